import type { Change } from './change.js';
import type { Writer } from './stamp.js';

/** One content that a sector got or may get, of one write. */
export interface Entry extends Change {
  readonly writer: Writer;
}

export interface Sector {
  /** What the sector may hold, as far as settled writes go. Replaced, never changed, so that it can be kept as a snapshot. */
  now: readonly Entry[];
  /** Writes that may take place at any moment. */
  readonly inFlight: Set<Entry>;
  /** What a crash may leave [D4]: what may be durable, then everything that came later. */
  crash: readonly Entry[];
  /** When the last flush that succeeded was called: what was settled by then is durable. */
  durableAt: number;
  /** Writes that began earlier no longer say anything: a resize or a crash came between [S1]. */
  barrierAt: number;
}

/** The writers of the entries, each once. */
export function unique(entries: readonly Entry[]): Writer[] {
  return [...new Set(entries.map(({ writer }) => writer))];
}
