import { FAULT_KINDS } from './faults.js';
import { type SimulationCase, type SimulationOptions, type SimulationOutcome, simulate } from './simulate.js';
import type { SimulationSubject } from './simulated-system.js';

/** Options of {@link shrink}. */
export interface ShrinkOptions extends SimulationOptions {
  /** Simulations tried, at most. Default: 1000. */
  readonly maxTries?: number;
  /** Milliseconds of real time after which to be content. Default: 20,000. */
  readonly budgetMs?: number;
}

const TRIES_MAX = 1000;
const BUDGET_MS = 20_000;

/**
 * A smaller case that breaks the same clauses: without the faults that it does not need, and with as few steps as can be found
 * by leaving out ever smaller runs of them (Zeller's delta debugging).
 */
export async function shrink(
  subject: SimulationSubject,
  found: SimulationOutcome,
  options: ShrinkOptions = {},
): Promise<SimulationOutcome> {
  let best = found;
  let left = options.maxTries ?? TRIES_MAX;
  const endsAtMs = performance.now() + (options.budgetMs ?? BUDGET_MS);
  const attempt = async (smaller: SimulationCase): Promise<boolean> => {
    left = performance.now() < endsAtMs ? left - 1 : 0;
    const outcome = await simulate(subject, smaller, options);
    const isSame = outcome.violation !== undefined && outcome.violation.clauses === found.violation?.clauses;
    if (isSame) best = outcome;
    return isSame;
  };
  for (const kind of FAULT_KINDS) {
    const without = best.case.without ?? [];
    if (!without.includes(kind) && left > 0) await attempt({ ...best.case, without: [...without, kind] });
  }
  let steps = best.case.keep ?? best.script.map((_, i) => i);
  for (let length = Math.ceil(steps.length / 2); length >= 1 && left > 0; ) {
    const before = steps.length;
    for (let from = 0; from < steps.length && left > 0; ) {
      const keep = [...steps.slice(0, from), ...steps.slice(from + length)];
      if (await attempt({ ...best.case, keep })) steps = keep;
      else from += length;
    }
    if (length === 1 && steps.length === before) break;
    length = length > 1 ? Math.ceil(length / 2) : 1;
  }
  return best;
}
