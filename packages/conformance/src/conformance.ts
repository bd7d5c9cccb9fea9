import type { Case } from './kit/case.js';
import { argumentCases } from './kit/cases/arguments.js';
import { bufferCases } from './kit/cases/buffers.js';
import { concurrencyCases } from './kit/cases/concurrency.js';
import { durabilityCases } from './kit/cases/durability.js';
import { endCases } from './kit/cases/end.js';
import { errorCases } from './kit/cases/errors.js';
import { flushCases } from './kit/cases/flushes.js';
import { fragmentsCases } from './kit/cases/fragments.js';
import { givenUpCases } from './kit/cases/given-up.js';
import { inFlightCases } from './kit/cases/in-flight.js';
import { leftoverCases } from './kit/cases/leftovers.js';
import { listCases } from './kit/cases/lists.js';
import { longCases } from './kit/cases/long.js';
import { memoryCases } from './kit/cases/memory.js';
import { overCases } from './kit/cases/over.js';
import { plainestCase } from './kit/cases/plain.js';
import { prefixCases } from './kit/cases/prefixes.js';
import { randomCases } from './kit/cases/random.js';
import { readOnlyCases } from './kit/cases/read-only.js';
import { sizeCases } from './kit/cases/size.js';
import { writeDurablyCases } from './kit/cases/write-durably.js';
import { zeroesCases } from './kit/cases/zeroes.js';
import { CaseContext } from './kit/context.js';
import { chooseCases } from './kit/groups.js';
import { allow, type Body, skip } from './kit/runner-context.js';
import { type ConformanceOptions, DEADLINE_MS, RUNS, type Runner, SECTOR_SIZES, type Subject } from './kit/subject.js';

/** Every case of the kit: the plainest one, the others by chapter, then the random workloads. */
export function conformanceCases(): readonly Case[] {
  return [
    plainestCase,
    ...argumentCases,
    ...listCases,
    ...memoryCases,
    ...errorCases,
    ...readOnlyCases,
    ...bufferCases,
    ...overCases,
    ...concurrencyCases,
    ...inFlightCases,
    ...durabilityCases,
    ...writeDurablyCases,
    ...flushCases,
    ...prefixCases,
    ...sizeCases,
    ...zeroesCases,
    ...fragmentsCases,
    ...endCases,
    ...givenUpCases,
    ...leftoverCases,
    ...longCases,
    ...randomCases,
  ];
}

/**
 * Registers every case of the kit that fits the subject, once per sector size, with the runner; then a line for each group that
 * does not fit, and why. Where the plainest case fails, the others are not run.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { conformance, type Runner } from '@blockyard/conformance';
 *
 * let cases = 0;
 * const runner: Runner = { describe: (_, body) => body(), test: () => void cases++ }; // or those of vitest, mocha, node:test
 * conformance(
 *   {
 *     name: 'memory',
 *     persistent: false,
 *     readOnly: false,
 *     create: async (shape) => ({ connect: () => connectMemory(shape), dispose: async () => {} }),
 *   },
 *   runner,
 * );
 * console.log(cases > 100); // true
 * ```
 */
export function conformance(subject: Subject, runner: Runner, options: ConformanceOptions = {}): void {
  const { chosen, leftOut } = chooseCases(subject, conformanceCases());
  const sectorSizes = subject.sectorSizes ?? SECTOR_SIZES;
  const largest = Math.max(...sectorSizes);
  for (const sectorSize of sectorSizes) {
    runner.describe(`${subject.name}, sectors of ${sectorSize} bytes`, () => {
      let isBroken = false;
      for (const each of chosen) {
        if (each.once === true && sectorSize !== largest) continue;
        const timeoutMs = timeoutOf(each, options);
        const body: Body = async function (...args) {
          allow(this, timeoutMs);
          if (isBroken && !skip(this, args, NOT_RUN)) throw new Error(NOT_RUN);
          if (isBroken) return;
          try {
            await runCase(each, subject, sectorSize, options);
          } catch (error) {
            isBroken ||= each === plainestCase;
            throw error;
          }
        };
        runner.test(each.title, body, timeoutMs);
      }
      for (const line of leftOut) {
        const body: Body = async function (...args) {
          skip(this, args, line);
        };
        runner.test(line, body, TIMEOUT_SLACK_MS);
      }
    });
  }
}

/** What a runner adds to a deadline: closing takes as long as the case, at most, and shrinking less than that. */
const DEADLINES_PER_RUN = 3;
const TIMEOUT_SLACK_MS = 5_000;

/** Later than the kit's own deadline, whose failure names the operation that hangs. */
function timeoutOf({ random = false, patience = 1 }: Case, options: ConformanceOptions): number {
  const { deadlineMs = DEADLINE_MS, runs = RUNS } = options;
  return deadlineMs * patience * DEADLINES_PER_RUN * (random ? runs : 1) + TIMEOUT_SLACK_MS;
}

const NOT_RUN = 'not run: the first case has failed, so that no other could tell anything';

/** Runs one case on the subject. Rejects with what is wrong, also if the case has not settled by the deadline. */
export async function runCase(
  { run, random, patience }: Case,
  subject: Subject,
  sectorSize: number,
  options: ConformanceOptions = {},
): Promise<void> {
  const context = new CaseContext(subject, sectorSize, options);
  await context.fresh((own) => (random ? run(own) : own.within(run(own), 'the case', patience)));
}
