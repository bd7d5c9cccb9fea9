import { deepStrictEqual, ok } from 'node:assert';
import { describe, test } from 'vitest';
import { CLAUSES, type Clause } from './case.js';
import { conformance } from './conformance.js';
import { saboteurs } from './saboteurs/index.js';
import type { Subject } from './subject.js';

/** Runs the kit's cases of one clause, or all, on 512-byte sectors. Gives the titles of those that fail. */
async function failures(subject: Subject, clause?: Clause): Promise<string[]> {
  const bodies = new Map<string, () => Promise<void>>();
  const collect = {
    describe: (_: string, body: () => void) => body(),
    test: (title: string, body: () => Promise<void>) => bodies.set(title, body),
  };
  conformance({ ...subject, sectorSizes: [512] }, collect, { seed: 1, runs: 10, deadlineMs: 1_000 });
  const failed: string[] = [];
  for (const [title, body] of bodies) {
    if (clause !== undefined && !title.startsWith(`${clause}:`)) continue;
    await body().catch(() => failed.push(title));
  }
  return failed;
}

describe('the kit catches a device that', () => {
  for (const { name, clause, subject } of saboteurs) {
    test(`${clause}: ${name}`, async () => {
      const failed = await failures(subject, clause);
      ok(failed.length > 0, `no case of ${clause} failed`);
    });
  }
});

test('every clause has a saboteur', () => {
  const sabotaged = new Set<Clause>(saboteurs.map(({ clause }) => clause));
  deepStrictEqual(
    CLAUSES.filter((clause) => !sabotaged.has(clause)),
    [],
  );
});
