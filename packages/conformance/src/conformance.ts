import type { Case, Need } from './case.js';
import { argumentCases } from './cases/arguments.js';
import { bufferCases } from './cases/buffers.js';
import { concurrencyCases } from './cases/concurrency.js';
import { durabilityCases } from './cases/durability.js';
import { endCases } from './cases/end.js';
import { listCases } from './cases/lists.js';
import { randomCases } from './cases/random.js';
import { readOnlyCases } from './cases/read-only.js';
import { sizeCases } from './cases/size.js';
import { zeroesCases } from './cases/zeroes.js';
import { CaseContext } from './context.js';
import { type ConformanceOptions, type Runner, SECTOR_SIZES, type Subject } from './subject.js';
import { within } from './within.js';

/** Every case of the kit: by chapter, then the random workloads. */
export function conformanceCases(): readonly Case[] {
  return [
    ...argumentCases,
    ...listCases,
    ...readOnlyCases,
    ...bufferCases,
    ...concurrencyCases,
    ...durabilityCases,
    ...sizeCases,
    ...zeroesCases,
    ...endCases,
    ...randomCases,
  ];
}

/** Registers every case of the kit that fits the subject, once per sector size, with the runner. */
export function conformance(subject: Subject, runner: Runner, options: ConformanceOptions = {}): void {
  const cases = conformanceCases().filter((each) => each.needs?.every((need) => offers(subject, need)) ?? true);
  for (const sectorSize of subject.sectorSizes ?? SECTOR_SIZES) {
    runner.describe(`${subject.name}, sectors of ${sectorSize} bytes`, () => {
      for (const each of cases) runner.test(each.title, () => runCase(each, subject, sectorSize, options));
    });
  }
}

/** Runs one case on the subject. Rejects with what is wrong, also if the case has not settled by the deadline. */
export async function runCase(
  { run, random }: Case,
  subject: Subject,
  sectorSize: number,
  options: ConformanceOptions = {},
): Promise<void> {
  const context = new CaseContext(subject, sectorSize, options);
  await context.fresh((own) => (random ? run(own) : within(context.deadlineMs, run(own), 'the case')));
}

function offers(subject: Subject, need: Need): boolean {
  switch (need) {
    case 'persistent':
      return subject.persistent;
    case 'readOnly':
      return subject.readOnly ?? true;
    case 'resizable':
      return subject.resizable ?? true;
    case 'fixedSize':
      return !(subject.resizable ?? true);
    case 'huge':
      return subject.hugeSectors !== undefined;
    case 'wrap':
      return subject.wrap !== undefined;
  }
}
