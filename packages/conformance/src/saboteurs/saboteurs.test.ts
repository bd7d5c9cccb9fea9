import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { describe, test } from 'vitest';
import { CLAUSES, type Clause } from '../kit/case.js';
import { HangError } from '../kit/within.js';
import { catchSaboteur } from './catch.js';
import { saboteurs } from './index.js';
import { prefixSaboteurs } from './prefixes.js';

describe('the kit catches a device that', () => {
  for (const saboteur of saboteurs) {
    test(`${saboteur.clause}: ${saboteur.name}`, async () => {
      const found = await catchSaboteur(saboteur);
      ok(found !== undefined, `no case of ${saboteur.clause} failed`);
      if (saboteur.hangs === true) return;
      ok(!(found.error instanceof HangError), 'it must be told what is wrong, not wait for it');
    });
  }
});

describe('no case of any other clause catches a device that', () => {
  const others = CLAUSES.filter((clause) => clause !== 'D5');
  test.each(prefixSaboteurs.map((saboteur) => [saboteur.name, saboteur] as const))('%s', async (_, saboteur) => {
    const found = await catchSaboteur(saboteur, others);
    strictEqual(found?.title, undefined);
  });
});

test('every clause has a saboteur', () => {
  const sabotaged = new Set<Clause>(saboteurs.map(({ clause }) => clause));
  deepStrictEqual(
    CLAUSES.filter((clause) => !sabotaged.has(clause)),
    [],
  );
});
