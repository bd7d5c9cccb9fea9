import { type SimulationCase, type SimulationOptions, type SimulationOutcome, simulate } from './simulate.js';
import type { SimulationSubject } from './simulated-system.js';

/** Calls of a scenario, at most. */
const CALLS_MAX = 10_000;

/**
 * Runs one seed's script over and over in a world where nothing goes wrong but one call of a medium: first the first one, then
 * the second, until the script comes to its end unfailed. Each once failing without effect, and once after the fact. Gives the
 * first outcome that breaks a clause, or the last one, and how many simulations there were.
 */
export async function failEachCall(
  subject: SimulationSubject,
  which: Omit<SimulationCase, 'single' | 'without'>,
  options: SimulationOptions = {},
): Promise<{ readonly outcome: SimulationOutcome; readonly runs: number }> {
  let runs = 0;
  for (let nth = 0; ; nth++) {
    for (const late of [false, true]) {
      const outcome = await simulate(subject, { ...which, single: { nth, late } }, options);
      runs++;
      if (outcome.violation !== undefined || outcome.injected === 0 || nth === CALLS_MAX) return { outcome, runs };
    }
  }
}
