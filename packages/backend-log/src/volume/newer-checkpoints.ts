import type { LogRoot } from '../format/root.js';

/**
 * After so many newer ones a checkpoint was begun after the first look. Two may have been begun before: one that was on its way to
 * the root, and the one that its writer began when it took that one for failed.
 */
const NEWER_MIN = 3;

/**
 * Counts the checkpoints that a writer makes while someone looks at its volume. A checkpoint has all that was flushed before it was
 * begun. So one that was begun after the first look has all that was flushed before that, whatever follows on it.
 */
export class NewerCheckpoints {
  #newest: number;
  #newer = 0;

  constructor(root: Pick<LogRoot, 'checkpoint'>) {
    this.#newest = generationOf(root);
  }

  /** Whether the checkpoint of the last root that was seen was begun after the first look. */
  get hasAll(): boolean {
    return this.#newer >= NEWER_MIN;
  }

  /** A later look found that root. One that was put back to an earlier checkpoint does not count. */
  saw(root: Pick<LogRoot, 'checkpoint'>): void {
    const generation = generationOf(root);
    if (generation <= this.#newest) return;
    this.#newest = generation;
    this.#newer++;
  }
}

/** Of the root's checkpoint; 0: it has none. */
export function generationOf({ checkpoint }: Pick<LogRoot, 'checkpoint'>): number {
  return checkpoint?.generation ?? 0;
}
