import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { Range } from '../model/volume-model.js';

/** What a stream does next. A rest is until nothing of the stream begins for so long. */
export type Step =
  | ({ readonly do: 'read' | 'write' } & Range)
  | { readonly do: 'flush' }
  | { readonly do: 'rest'; readonly restMs: number };

/** A sequence of steps without an end, several of which may be under way at once. */
export interface Stream {
  /** Steps under way at once. */
  readonly depth: number;
  /** Reads and writes that it begins, as a multiple of the rate. */
  readonly share: number;
  steps(sizeSectors: number, random: RandomGenerator): Generator<Step, never>;
}

/** What a program would do to a volume. */
export interface Workload {
  readonly name: string;
  readonly label: string;
  readonly streams: readonly Stream[];
}
