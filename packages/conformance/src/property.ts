import { AssertionError } from 'node:assert';
import * as fc from 'fast-check';
import type { Context } from './case.js';
import { within } from './within.js';

/** Parts of a case's deadline: one for all runs that pass, one for the run that fails, one for making it smaller. */
const PARTS = 4;

/**
 * Runs the body on random values. Where it fails, the message holds the smallest value found that fails too, the seed, and how to
 * replay it.
 */
export async function checkProperty<T>(
  context: Context,
  values: fc.Arbitrary<T>,
  body: (value: T, context: Context) => Promise<void>,
): Promise<void> {
  const { runs, deadlineMs } = context;
  const seed = context.seed ?? Math.floor(Math.random() * 2 ** 31);
  const shrinking = new ShrinkBudget(deadlineMs / PARTS);
  const property = fc.asyncProperty(values, async (value) => {
    if (shrinking.spent) return;
    try {
      await within(
        deadlineMs / PARTS,
        context.fresh((own) => body(value, own)),
        'a random workload',
      );
    } catch (error) {
      shrinking.start();
      throw error;
    }
  });
  const found = await fc.check(property, { seed, numRuns: runs });
  if (!found.failed) return;
  const { errorInstance, counterexample } = found;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  throw new AssertionError({
    message: [
      reason,
      `With the random workload ${JSON.stringify(counterexample?.[0])}`,
      `Seed ${seed}; to replay: conformance(subject, runner, { seed: ${seed}, runs: ${runs} })`,
    ].join('\n'),
  });
}

/** Lets every value pass once the time for finding smaller ones is over, so that fast-check stops there. */
class ShrinkBudget {
  readonly #budgetMs: number;
  #startedAtMs = Number.POSITIVE_INFINITY;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
  }

  start(): void {
    this.#startedAtMs = Math.min(this.#startedAtMs, performance.now());
  }

  get spent(): boolean {
    return performance.now() - this.#startedAtMs > this.#budgetMs;
  }
}
