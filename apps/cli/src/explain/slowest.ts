import { type PartsMs, partsOf } from './parts.js';
import type { Recorded } from './recorder.js';

/** A slow request, and what it spent its time in. */
export interface Explained {
  readonly operation: string;
  readonly startSector: number | null;
  readonly sectors: number | null;
  /** ISO 8601. */
  readonly at: string;
  readonly durationMs: number;
  readonly parts: PartsMs;
}

/** So many of each minute are kept, for so many minutes. */
export const KEPT_PER_MINUTE = 32;
export const MINUTES_KEPT = 10;
const MINUTE_MS = 60_000;

interface Minute {
  readonly number: number;
  /** The slowest first. */
  readonly slowest: Recorded[];
}

/** Keeps the slowest requests of the last minutes, a bounded number of them. */
export class Slowest {
  readonly #minutes: Minute[] = [];
  readonly #originMs: number;

  /** `originMs`: the time of day that belongs to the moment 0 of the requests' clock. */
  constructor(originMs = performance.timeOrigin) {
    this.#originMs = originMs;
  }

  add(request: Recorded): void {
    const number = Math.floor(request.toMs / MINUTE_MS);
    let minute = this.#minutes.at(-1);
    if (minute === undefined || minute.number !== number) {
      minute = { number, slowest: [] };
      this.#minutes.push(minute);
      this.#forget(number);
    }
    const { slowest } = minute;
    const last = slowest.at(-1);
    if (slowest.length === KEPT_PER_MINUTE && last !== undefined && durationOf(last) >= durationOf(request)) return;
    let at = slowest.length;
    while (at > 0 && durationOf(slowest[at - 1] ?? request) < durationOf(request)) at--;
    slowest.splice(at, 0, request);
    slowest.length = Math.min(slowest.length, KEPT_PER_MINUTE);
  }

  /** Of the minutes that are kept at this moment, the slowest first. */
  list(nowMs = performance.now()): Explained[] {
    this.#forget(Math.floor(nowMs / MINUTE_MS));
    return this.#minutes
      .flatMap(({ slowest }) => slowest)
      .sort((a, b) => durationOf(b) - durationOf(a))
      .map((request) => this.#explain(request));
  }

  #forget(present: number): void {
    while ((this.#minutes[0]?.number ?? present) <= present - MINUTES_KEPT) this.#minutes.shift();
  }

  #explain({ operation, startSector, sectors, fromMs, toMs, spans }: Recorded): Explained {
    const at = new Date(this.#originMs + fromMs).toISOString();
    return { operation, startSector, sectors, at, durationMs: toMs - fromMs, parts: partsOf(fromMs, toMs, spans) };
  }
}

function durationOf({ fromMs, toMs }: Recorded): number {
  return toMs - fromMs;
}
