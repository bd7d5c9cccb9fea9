import { deepStrictEqual, ok } from 'node:assert';
import { describe, test } from 'vitest';
import { CLAUSES, type Clause } from './case.js';
import { conformance } from './conformance.js';
import { saboteurs } from './saboteurs/index.js';
import type { Saboteur } from './saboteurs/saboteur.js';
import { HangError } from './within.js';

/** How long to wait for one that never answers. */
const HANG_MS = 1_000;

/** Runs the kit's cases of one clause on 512-byte sectors, until one fails. Gives its error. */
async function firstFailure({ clause, subject, hangs = false }: Saboteur): Promise<unknown> {
  const bodies = new Map<string, () => Promise<void>>();
  const collect = {
    describe: (_: string, body: () => void) => body(),
    test: (title: string, body: () => Promise<void>) => bodies.set(title, body),
  };
  const options = { seed: 1, runs: 10, ...(hangs ? { deadlineMs: HANG_MS } : {}) };
  conformance({ ...subject, sectorSizes: [512] }, collect, options);
  for (const [title, body] of bodies) {
    if (!title.startsWith(`${clause}:`)) continue;
    const error: unknown = await body().then(
      () => undefined,
      (thrown) => thrown,
    );
    if (error !== undefined) return error;
  }
  return undefined;
}

describe('the kit catches a device that', () => {
  for (const saboteur of saboteurs) {
    test(`${saboteur.clause}: ${saboteur.name}`, async () => {
      const error = await firstFailure(saboteur);
      ok(error !== undefined, `no case of ${saboteur.clause} failed`);
      if (saboteur.hangs !== true) ok(!(error instanceof HangError), 'it must be told what is wrong, not wait for it');
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
