import type { CheckOptions, CheckReport, Problem } from '@blockyard/backend-log';
import { presentUri, withLog } from './volume-uri.js';

/** Looks at a volume that is being cleaned meanwhile. */
const LOOKS_MAX = 3;

/**
 * Reads all objects that a log volume and its snapshots refer to, beside a process that has it open, and checks them. Resolves with
 * what it found, faults too.
 *
 * A writer may delete what it needs no longer while this goes on. So where something is amiss the volume is looked at again,
 * from its root on, and what is amiss then as well is told.
 */
export async function checkUri(text: string, options: CheckOptions = {}): Promise<CheckReport> {
  return withLog(await presentUri(text), async ({ checkLogVolume }, place) => {
    let report = await checkLogVolume(place, options);
    for (let looks = 1; looks < LOOKS_MAX && report.problems.length > 0; looks++) {
      const next = await checkLogVolume(place, options);
      const isSettled = next.problems.every((problem) => includes(report.problems, problem));
      report = next;
      if (isSettled) break;
    }
    return report;
  });
}

function includes(problems: readonly Problem[], { url }: Problem): boolean {
  return problems.some((other) => other.url === url);
}
