import { conformanceCases, runCase } from '../conformance.js';
import type { Clause } from '../kit/case.js';
import { chooseCases } from '../kit/groups.js';
import type { Saboteur } from './saboteur.js';

/** How long to wait for one that never answers. */
const HANG_MS = 1_000;
const SECTOR_SIZE = 512;

/** The case that a saboteur failed, and what it said. */
export interface Catch {
  readonly title: string;
  readonly error: unknown;
}

/**
 * Runs the kit's cases of some clauses, by default of the saboteur's, on 512-byte sectors, until one fails; undefined if none
 * does.
 */
export async function catchSaboteur(
  { clause, subject, hangs = false }: Saboteur,
  clauses: readonly Clause[] = [clause],
): Promise<Catch | undefined> {
  const options = { seed: 1, runs: 10, ...(hangs ? { deadlineMs: HANG_MS } : {}) };
  const { chosen } = chooseCases(subject, conformanceCases());
  for (const each of chosen.filter((one) => clauses.includes(one.clause))) {
    try {
      await runCase(each, subject, SECTOR_SIZE, options);
    } catch (error) {
      return { title: each.title, error };
    }
  }
  return undefined;
}
