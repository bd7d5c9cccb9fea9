/** What mouse, finger and keyboard ask of the map. Cells are those under the pointer. */
export interface Wishes {
  cellAt(x: number, y: number): number | undefined;
  point(cell: number | undefined): void;
  step(columns: number, rows: number): void;
  /** Above 1: show more. */
  zoom(factor: number, cell: number | undefined): void;
  drag(columns: number, rows: number): void;
  page(pages: number): void;
  whole(): void;
  /** Pixels of a cell. */
  pitch(): number;
}

const WHEEL_FACTOR = 1.2;
const KEY_FACTOR = 2;

/** Turns events of the canvas into wishes. */
export class Hands {
  readonly #canvas: HTMLCanvasElement;
  readonly #wishes: Wishes;
  #dragFrom: { readonly x: number; readonly y: number } | undefined;

  constructor(canvas: HTMLCanvasElement, wishes: Wishes) {
    this.#canvas = canvas;
    this.#wishes = wishes;
    canvas.addEventListener('pointerdown', (event) => {
      this.#dragFrom = { x: event.offsetX, y: event.offsetY };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', () => {
      this.#dragFrom = undefined;
    });
    canvas.addEventListener('pointerleave', () => {
      if (document.activeElement !== canvas) wishes.point(undefined);
    });
    canvas.addEventListener('dblclick', (event) => wishes.zoom(0.5, wishes.cellAt(event.offsetX, event.offsetY)));
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener('keydown', (event) => {
      if (this.#key(event.key)) event.preventDefault();
    });
    canvas.addEventListener('focus', () => {
      if (canvas.matches(':focus-visible')) wishes.step(0, 0);
    });
  }

  #move({ offsetX, offsetY }: PointerEvent): void {
    const from = this.#dragFrom;
    if (from === undefined) {
      this.#wishes.point(this.#wishes.cellAt(offsetX, offsetY));
      return;
    }
    const pitch = this.#wishes.pitch();
    const [columns, rows] = [Math.trunc((offsetX - from.x) / pitch), Math.trunc((offsetY - from.y) / pitch)];
    if (columns === 0 && rows === 0) return;
    this.#dragFrom = { x: from.x + columns * pitch, y: from.y + rows * pitch };
    this.#wishes.drag(columns, rows);
  }

  /** The page scrolls unless the map was clicked, or the key for zooming is down. */
  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey && document.activeElement !== this.#canvas) return;
    event.preventDefault();
    const factor = event.deltaY > 0 ? WHEEL_FACTOR : 1 / WHEEL_FACTOR;
    this.#wishes.zoom(factor, this.#wishes.cellAt(event.offsetX, event.offsetY));
  }

  /** Whether the key was for the map. */
  #key(key: string): boolean {
    const wishes = this.#wishes;
    const steps: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => wishes.step(-1, 0),
      ArrowRight: () => wishes.step(1, 0),
      ArrowUp: () => wishes.step(0, -1),
      ArrowDown: () => wishes.step(0, 1),
      PageUp: () => wishes.page(-0.5),
      PageDown: () => wishes.page(0.5),
      '+': () => wishes.zoom(1 / KEY_FACTOR, undefined),
      '=': () => wishes.zoom(1 / KEY_FACTOR, undefined),
      '-': () => wishes.zoom(KEY_FACTOR, undefined),
      '0': () => wishes.whole(),
    };
    const step = steps[key];
    step?.();
    return step !== undefined;
  }
}
