import * as fc from 'fast-check';
import { AssertionError } from '../assertions/assertion-error.js';
import type { Context } from './case.js';
import { HangError } from './within.js';

/** Smaller values tried, at most, once one has failed. */
const SHRINKS_MAX = 300;
/** Part of the deadline in which to try them. */
const SHRINKING_PART = 0.25;

/**
 * Runs the body on random values. Where it fails, the message holds the smallest value found that fails too, the seed, and how
 * to replay it.
 */
export async function checkProperty<T>(
  context: Context,
  values: fc.Arbitrary<T>,
  body: (value: T, context: Context) => Promise<void>,
): Promise<void> {
  const { runs, deadlineMs } = context;
  const seed = context.seed ?? Math.floor(Math.random() * 2 ** 31);
  const shrinking = new ShrinkBudget(deadlineMs * SHRINKING_PART);
  const property = fc.asyncProperty(values, async (value) => {
    if (shrinking.spent()) return;
    try {
      await context.within(
        context.fresh((own) => body(value, own)),
        'a random workload',
      );
    } catch (error) {
      shrinking.failed(error);
      throw error;
    }
  });
  const found = await fc.check(property, { seed, numRuns: runs });
  if (!found.failed) return;
  const { errorInstance, counterexample } = found;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const message = [
    reason,
    `With the random workload ${JSON.stringify(counterexample?.[0])}`,
    `Seed ${seed}; to replay: conformance(subject, runner, { seed: ${seed}, runs: ${runs} })`,
  ].join('\n');
  throw Object.assign(new AssertionError({ message }), { cause: errorInstance });
}

/** Lets every value pass once enough was tried to find a smaller one, so that fast-check stops there. */
class ShrinkBudget {
  readonly #budgetMs: number;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #left = Number.POSITIVE_INFINITY;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
  }

  /** The clock runs from the first failure on. A hang is not made smaller: each value would take as long. */
  failed(error: unknown): void {
    if (error instanceof HangError) this.#left = 0;
    if (this.#left === Number.POSITIVE_INFINITY) {
      this.#left = SHRINKS_MAX;
      this.#endsAtMs = performance.now() + this.#budgetMs;
    }
  }

  /** Whether enough was tried. Counts the value that it is asked for. */
  spent(): boolean {
    if (this.#left <= 0 || performance.now() > this.#endsAtMs) return true;
    this.#left--;
    return false;
  }
}
