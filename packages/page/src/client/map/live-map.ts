import { applyDelta } from '../../shared/delta.js';
import { formatSeconds } from '../../shared/format.js';
import { type Frame, History, resample } from '../../shared/history.js';
import type { CellMessage, DeviceFacts, FrameMessage } from '../../shared/messages.js';
import { PATHS } from '../../shared/messages.js';
import { byId, setText } from '../dom/elements.js';
import { paletteOf } from './colours.js';
import { Legend, MapTable } from './extras.js';
import { capacityOf, cellAt } from './grid.js';
import { Hands } from './hands.js';
import { Painter } from './painter.js';
import { cellText, exactText, rangeText } from './texts.js';
import { View, type Wanted } from './view.js';

const HISTORY_MS = 5 * 60_000;
const HISTORY_BYTES_MAX = 24 * 2 ** 20;
/** How long a view has to stay as it is until the server is asked for it, and a cell until it is asked what is in it. */
const SETTLE_MS = 150;
/** After how long a cell that changes is asked about again. */
const AGAIN_MS = 1000;

/** The map, live or as it was a while ago. */
export class LiveMap {
  readonly #canvas = byId('canvas', HTMLCanvasElement);
  readonly #slider = byId('slider', HTMLInputElement);
  readonly #moment = byId('moment', HTMLOutputElement);
  readonly #readout = byId('readout', HTMLParagraphElement);
  readonly #note = byId('map-note', HTMLParagraphElement);
  readonly #painter = new Painter(this.#canvas);
  readonly #legend = new Legend();
  readonly #table = new MapTable();
  readonly #view = new View();
  readonly #history = new History({ maxAgeMs: HISTORY_MS, maxBytes: HISTORY_BYTES_MAX });
  readonly #ask: (wanted: Wanted) => void;
  #device: DeviceFacts | undefined;
  #viewer = '';
  #nowMs = 0;
  /** As the server sends it. */
  #live: Frame | undefined;
  /** As it is drawn. */
  #shown: Frame | undefined;
  /** How far back the slider is, in milliseconds; undefined: live. */
  #agoMs: number | undefined;
  #cursor: number | undefined;
  #capacity = 1;
  #askTimer: ReturnType<typeof setTimeout> | undefined;
  #cellTimer: ReturnType<typeof setTimeout> | undefined;

  /** `ask`: asks the server for a view. */
  constructor(ask: (wanted: Wanted) => void) {
    this.#ask = ask;
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => this.#setTheme());
    this.#setTheme();
    this.#slider.addEventListener('input', () => this.#slide(Number(this.#slider.value)));
    byId('now', HTMLButtonElement).addEventListener('click', () => {
      this.#slider.value = '0';
      this.#slide(0);
    });
    new Hands(this.#canvas, {
      cellAt: (x, y) => cellAt(this.#painter.grid, this.#shown?.cells.length ?? 0, x, y),
      point: (cell) => this.#point(cell),
      step: (columns, rows) => this.#step(columns, rows),
      zoom: (factor, cell) => this.#zoom(factor, cell ?? this.#cursor),
      drag: (columns, rows) => this.#drag(columns, rows),
      page: (pages) => this.#change(() => this.#view.move(pages * this.#view.count)),
      whole: () => this.#change(() => this.#view.whole()),
      pitch: () => this.#painter.grid.pitch,
    });
    byId('zoom-in', HTMLButtonElement).addEventListener('click', () => this.#zoom(0.5, this.#cursor));
    byId('zoom-out', HTMLButtonElement).addEventListener('click', () => this.#zoom(2, this.#cursor));
    byId('whole', HTMLButtonElement).addEventListener('click', () => this.#change(() => this.#view.whole()));
  }

  /** The device may have been replaced; nothing of the old one is shown as it is now. */
  follow(device: DeviceFacts | null, nowMs: number): void {
    this.#device = device ?? undefined;
    this.#passTo(nowMs);
    if (device !== null) this.#view.follow(device.sizeSectors);
    this.#tellView();
  }

  add(message: FrameMessage): void {
    const { atMs, startSector, countSectors, cellSectors, viewer } = message;
    const cells = message.isKey
      ? new Uint8Array(message.cells)
      : (this.#live?.cells.slice() ?? new Uint8Array(message.cells));
    applyDelta(
      cells,
      Uint8Array.from(atob(message.delta), (character) => character.charCodeAt(0)),
    );
    this.#viewer = viewer;
    this.#live = { atMs, startSector, countSectors, cellSectors, cells };
    this.#history.add(this.#live);
    this.#passTo(atMs);
    if (this.#agoMs !== undefined || this.#askTimer !== undefined) return;
    this.#show(this.#live);
    // What is in the cell may have changed.
    if (this.#cursor !== undefined) this.#askCellSoon(this.#cursor, AGAIN_MS);
  }

  /** Asks for what is to be seen, at once. */
  begin(): void {
    this.#resize();
  }

  /** The slider goes back as far as there is something to show, by the server's time. */
  #passTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const oldestMs = Math.max(this.#history.oldestMs ?? nowMs, this.#nowMs - HISTORY_MS);
    this.#slider.min = String(-Math.max(1, Math.round((this.#nowMs - oldestMs) / 1000)));
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    const capacity = capacityOf(clientWidth, clientHeight);
    this.#painter.resize(clientWidth, clientHeight);
    if (this.#shown !== undefined) this.#painter.setCells(this.#shown.cells, true);
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    this.#askSoon();
  }

  #setTheme(): void {
    const style = getComputedStyle(document.documentElement);
    this.#painter.setTheme(paletteOf(style), style.getPropertyValue('--panel'), style.getPropertyValue('--text'));
  }

  #show(frame: Frame): void {
    const before = this.#shown;
    this.#shown = frame;
    const isOther = before?.startSector !== frame.startSector || before.countSectors !== frame.countSectors;
    this.#painter.setCells(frame.cells, isOther);
    const { sectorSize } = this.#device ?? { sectorSize: 512 };
    this.#legend.show(frame);
    this.#table.show(frame, sectorSize);
  }

  /** Changes the view: what is known of it is drawn at once, and the server asked when it no longer changes. */
  #change(change: () => void): void {
    change();
    this.#tellView();
    this.#askSoon();
    const source = this.#agoMs === undefined ? this.#live : this.#history.at(this.#nowMs - this.#agoMs);
    if (source !== undefined) this.#show(this.#inView(source));
  }

  #inView(source: Frame): Frame {
    const { start, count } = this.#view;
    const cellSectors = Math.max(1, Math.ceil(count / this.#capacity));
    const range = { startSector: start, countSectors: count, cellSectors };
    return { atMs: source.atMs, ...range, cells: resample(source, range, Math.ceil(count / cellSectors)) };
  }

  #askSoon(): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => {
      this.#askTimer = undefined;
      this.#ask(this.#view.wanted(this.#capacity));
    }, SETTLE_MS);
  }

  #slide(seconds: number): void {
    this.#agoMs = seconds === 0 ? undefined : -seconds * 1000;
    const text = seconds === 0 ? 'now' : `${formatSeconds(-seconds)} ago`;
    setText(this.#moment, text);
    this.#slider.setAttribute('aria-valuetext', text);
    const frame = this.#agoMs === undefined ? this.#live : this.#history.at(this.#nowMs - this.#agoMs);
    if (frame !== undefined) this.#show(this.#inView(frame));
  }

  /** The first cell stays the first, the last the last, and others where they are. */
  #zoom(factor: number, cell: number | undefined): void {
    const { start, count } = this.#view;
    const last = (this.#shown?.cells.length ?? 1) - 1;
    const share = cell === undefined || last <= 0 ? 0.5 : cell / last;
    this.#change(() => this.#view.zoom(factor, start + share * count));
  }

  #drag(columns: number, rows: number): void {
    const cells = rows * this.#painter.grid.columns + columns;
    this.#change(() => this.#view.move(-cells * (this.#shown?.cellSectors ?? 1)));
  }

  #step(columns: number, rows: number): void {
    const last = (this.#shown?.cells.length ?? 1) - 1;
    const next = (this.#cursor ?? 0) + columns + rows * this.#painter.grid.columns;
    this.#point(Math.max(0, Math.min(last, next)));
  }

  /** Tells what is in a cell: at once what is known, and what the server says when it stays. */
  #point(cell: number | undefined): void {
    this.#cursor = cell;
    this.#painter.setCursor(cell);
    clearTimeout(this.#cellTimer);
    this.#cellTimer = undefined;
    const frame = this.#shown;
    const device = this.#device;
    if (cell === undefined || frame === undefined || device === undefined) {
      setText(this.#readout, 'Point at a cell to see what is in it.');
      return;
    }
    setText(this.#readout, cellText(frame, cell, device.sectorSize));
    if (this.#agoMs === undefined) this.#askCellSoon(cell, SETTLE_MS);
  }

  /** Unless it is asked for already. */
  #askCellSoon(cell: number, afterMs: number): void {
    this.#cellTimer ??= setTimeout(() => {
      this.#cellTimer = undefined;
      void this.#askCell(cell);
    }, afterMs);
  }

  async #askCell(cell: number): Promise<void> {
    const { sectorSize } = this.#device ?? { sectorSize: 512 };
    try {
      const answer = await fetch(`.${PATHS.cell}?${new URLSearchParams({ viewer: this.#viewer, cell: String(cell) })}`);
      if (answer.ok && this.#cursor === cell) {
        setText(this.#readout, exactText((await answer.json()) as CellMessage, sectorSize));
      }
    } catch {
      // What is known without it is there already.
    }
  }

  #tellView(): void {
    setText(this.#note, this.#viewText());
  }

  #viewText(): string {
    const device = this.#device;
    if (device === undefined) return 'There is no device at this moment.';
    if (!device.hasMap)
      return 'There is no cache, so there is nothing to map: serve the device with one to see it here.';
    const { start, count } = this.#view;
    const part = this.#view.isWhole
      ? 'The whole device'
      : `A part of the device, ${rangeText(start, count, device.sectorSize)}`;
    return `${part}. Click the map, then turn the wheel to zoom; drag to move.`;
  }
}
