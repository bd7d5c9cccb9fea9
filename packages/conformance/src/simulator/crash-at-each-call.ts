import { type SimulationCase, type SimulationOptions, type SimulationOutcome, simulate } from './simulate.js';
import type { SimulationSubject } from './simulated-system.js';

/** Calls of a scenario, at most. */
const CALLS_MAX = 10_000;

/**
 * Runs one seed's script over and over in a world where nothing goes wrong but that the process dies at one call of a medium:
 * first at the first one, then at the second, until the script comes to its end alive. Each once with all calls on their way
 * then carried out, and once with none. Gives the first outcome that breaks a clause, or the last one, and how many simulations
 * there were.
 */
export async function crashAtEachCall(
  subject: SimulationSubject,
  which: Omit<SimulationCase, 'single' | 'crash' | 'without'>,
  options: SimulationOptions = {},
): Promise<{ readonly outcome: SimulationOutcome; readonly runs: number }> {
  let runs = 0;
  for (let nth = 0; ; nth++) {
    for (const arrives of [false, true]) {
      const outcome = await simulate(subject, { ...which, crash: { nth, arrives } }, options);
      runs++;
      if (outcome.violation !== undefined || outcome.calls <= nth || nth === CALLS_MAX) return { outcome, runs };
    }
  }
}
