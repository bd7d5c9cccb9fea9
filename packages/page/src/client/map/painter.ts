import { type Grid, gridOf } from './grid.js';

/** How fast a cell takes its new colour: after so long two thirds of the way is done. */
const FADE_MS = 120;
/** A colour that is so near is there. */
const NEAR = 1;

/** Draws cells, each fading from the colour that it had to the one that it gets. */
export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  /** One pixel a cell; the browser enlarges it. */
  readonly #small = document.createElement('canvas');
  readonly #smallContext: CanvasRenderingContext2D;
  #grid: Grid = { columns: 1, rows: 1, pitch: 8 };
  #cells: Uint8Array = new Uint8Array(0);
  #palette: Uint8Array = new Uint8Array(256 * 3);
  #shown = new Float32Array(0);
  #image = new ImageData(1, 1);
  #background = '#fff';
  #cursorColour = '#000';
  #cursor: number | undefined;
  #lastMs: number | undefined;
  #isAsked = false;
  #isStill: boolean;
  #width = 0;
  #height = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = contextOf(canvas);
    this.#smallContext = contextOf(this.#small);
    const motion = matchMedia('(prefers-reduced-motion: reduce)');
    this.#isStill = motion.matches;
    motion.addEventListener('change', () => {
      this.#isStill = motion.matches;
    });
  }

  get grid(): Grid {
    return this.#grid;
  }

  /** Follows the canvas's place in the page, in CSS pixels. */
  resize(width: number, height: number): void {
    const ratio = window.devicePixelRatio;
    this.#width = width;
    this.#height = height;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#layOut();
  }

  setTheme(palette: Uint8Array, background: string, cursorColour: string): void {
    this.#palette = palette;
    this.#background = background;
    this.#cursorColour = cursorColour;
    this.ask();
  }

  /** `isOther`: of another range, so that nothing fades. */
  setCells(cells: Uint8Array, isOther: boolean): void {
    const isLaidOut = cells.length === this.#cells.length;
    this.#cells = cells;
    if (!isLaidOut) this.#layOut();
    else if (isOther) this.#shown.fill(Number.NaN);
    this.ask();
  }

  setCursor(cell: number | undefined): void {
    this.#cursor = cell;
    this.ask();
  }

  /** Draws before the next time that the screen is drawn, and again until every cell has its colour. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame((nowMs) => {
      this.#isAsked = false;
      const passedMs = this.#lastMs === undefined ? 16 : nowMs - this.#lastMs;
      if (this.#draw(passedMs)) {
        this.#lastMs = nowMs;
        this.ask();
      } else {
        this.#lastMs = undefined;
      }
    });
  }

  #layOut(): void {
    this.#grid = gridOf(this.#width, this.#height, this.#cells.length);
    const { columns, rows } = this.#grid;
    this.#small.width = columns;
    this.#small.height = Math.max(1, rows);
    this.#image = this.#smallContext.createImageData(columns, Math.max(1, rows));
    this.#shown = new Float32Array(this.#cells.length * 3).fill(Number.NaN);
    this.ask();
  }

  /** Whether there is more to draw. */
  #draw(passedMs: number): boolean {
    const isMoving = this.#fade(this.#isStill ? 1 : 1 - Math.exp(-passedMs / FADE_MS));
    this.#smallContext.putImageData(this.#image, 0, 0);
    const context = this.#context;
    const ratio = window.devicePixelRatio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.#background;
    context.fillRect(0, 0, this.#width, this.#height);
    context.imageSmoothingEnabled = false;
    const { columns, rows, pitch } = this.#grid;
    context.drawImage(this.#small, 0, 0, columns * pitch, rows * pitch);
    for (let column = 1; column <= columns; column++) context.fillRect(column * pitch - 1, 0, 1, rows * pitch);
    for (let row = 1; row <= rows; row++) context.fillRect(0, row * pitch - 1, columns * pitch, 1);
    this.#drawCursor();
    return isMoving;
  }

  #fade(part: number): boolean {
    const { data } = this.#image;
    const cells = this.#cells;
    const shown = this.#shown;
    const palette = this.#palette;
    let isMoving = false;
    for (let cell = 0; cell < cells.length; cell++) {
      const colour = (cells[cell] ?? 0) * 3;
      for (let i = 0; i < 3; i++) {
        const at = cell * 3 + i;
        const target = palette[colour + i] ?? 0;
        const before = shown[at] ?? target;
        let value = before + (target - before) * part;
        // Also where there was no colour before.
        if (!(Math.abs(target - value) >= NEAR)) value = target;
        else isMoving = true;
        shown[at] = value;
        data[cell * 4 + i] = value;
      }
      data[cell * 4 + 3] = 255;
    }
    return isMoving;
  }

  #drawCursor(): void {
    if (this.#cursor === undefined || this.#cursor >= this.#cells.length) return;
    const { columns, pitch } = this.#grid;
    const x = (this.#cursor % columns) * pitch;
    const y = Math.floor(this.#cursor / columns) * pitch;
    this.#context.strokeStyle = this.#cursorColour;
    this.#context.lineWidth = 2;
    this.#context.strokeRect(x - 0.5, y - 0.5, pitch, pitch);
  }
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser cannot draw');
  return context;
}
