import { denserSide } from './hit-density.js';

/** Shares of the capacity. */
const AT_START = 0.1;
const MIN = 0.02;
const MAX = 0.97;
/** By which the window grows when LRU is ahead. */
const LRU_STRIDE = 0.1;
/** By which it changes when one side is much the denser, and between which it then stays. */
const DENSITY_STRIDE = 0.25;
const DENSITY_MIN = 0.2;
const DENSITY_MAX = 0.9;
/** Share of main. */
const PROTECTED_MAX = 0.8;

/** Most lines by which one ghost hit moves the border, so that no single operation costs more than others. */
export const STEP_MAX = 16;

/** Where W-TinyLFU's window ends and main begins, in lines, and what moves it. */
export class WindowBorder {
  /** Lines that the window aims at. */
  windowMax = 0;
  /** Lines that may be in main's protected part. */
  protectedMax = 0;
  #capacity: number;
  /** As ghosts move it, in fractions of a line; `windowMax` is it rounded. */
  #target = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#set(capacity * AT_START);
  }

  /** Keeps the shares at another capacity. */
  setCapacity(capacity: number): void {
    const share = this.#target / this.#capacity;
    this.#capacity = capacity;
    this.#set(share * capacity);
  }

  /** A ghost of the one kind was asked for: by so many lines as there are more ghosts of the other kind. */
  step(grow: boolean, refusedGhosts: number, mainGhosts: number): void {
    const ratio = grow ? mainGhosts / Math.max(1, refusedGhosts) : refusedGhosts / Math.max(1, mainGhosts);
    const step = Math.min(Math.max(1, ratio), STEP_MAX);
    this.#set(this.#target + (grow ? step : -step));
  }

  /** LRU is ahead: what only recency can tell may lie beyond the ghosts. */
  strideToLru(): void {
    this.#set(this.#target + this.#capacity * LRU_STRIDE);
  }

  /** Towards the side that is hit much more than the other, if one is. */
  strideToDenser(windowHits: number, windowLines: number, mainHits: number, mainLines: number): void {
    const side = denserSide(windowHits, windowLines, mainHits, mainLines);
    const stride = this.#capacity * DENSITY_STRIDE;
    const least = this.#capacity * DENSITY_MIN;
    const most = this.#capacity * DENSITY_MAX;
    // One that is past the bound stays there.
    if (side === 'window') this.#set(Math.max(this.#target, Math.min(most, this.#target + stride)));
    if (side === 'main') this.#set(Math.min(this.#target, Math.max(least, this.#target - stride)));
  }

  #set(target: number): void {
    const least = Math.max(1, this.#capacity * MIN);
    const most = Math.max(1, this.#capacity * MAX);
    this.#target = Math.min(Math.max(target, least), most);
    this.windowMax = Math.round(this.#target);
    this.protectedMax = Math.floor((this.#capacity - this.windowMax) * PROTECTED_MAX);
  }
}
