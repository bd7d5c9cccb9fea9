import { ok, strictEqual } from 'node:assert';
import { crashAtEachCall, failEachCall, simulate } from '@blockyard/conformance/simulator';
import { describe, test } from 'vitest';
import { SUBJECTS } from './index.js';

const SHORT = { maxSteps: 40, maxSectors: 24 };
const FULL = process.env.BLOCKYARD_THOROUGH === '1' ? 4 : 2;
/** Scripts of which each call fails once. The SDK takes milliseconds for each call. */
const SCRIPTS: Readonly<Record<string, number>> = { cache: FULL, file: FULL, log: FULL, s3: 1, 'write-log': 1 };

describe.each([...SUBJECTS.values()])('$name', (subject) => {
  test('runs the same for the same seed', async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const [first, second] = [await simulate(subject, { seed }, SHORT), await simulate(subject, { seed }, SHORT)];
      strictEqual(first.hash, second.hash, `seed ${seed}`);
    }
  });

  test('loses nothing and hangs nowhere when any one call fails', async () => {
    let runs = 0;
    for (let seed = 1; seed <= (SCRIPTS[subject.name] ?? 1); seed++) {
      const found = await failEachCall(subject, { seed }, SHORT);
      const { single } = found.outcome.case;
      const where = `seed ${seed}, call ${single?.nth}, ${single?.late === true ? 'carried out' : 'not carried out'}`;
      strictEqual(found.outcome.violation?.message, undefined, where);
      runs += found.runs;
    }
    ok(runs > 20, `${runs} runs`);
  });

  test('loses nothing that was flushed, at whatever call the process dies', async () => {
    let runs = 0;
    for (let seed = 1; seed <= (SCRIPTS[subject.name] ?? 1); seed++) {
      const found = await crashAtEachCall(subject, { seed }, SHORT);
      const { crash } = found.outcome.case;
      const where = `seed ${seed}, call ${crash?.nth}, ${crash?.arrives === true ? 'carried out' : 'not carried out'}`;
      strictEqual(found.outcome.violation?.message, undefined, where);
      runs += found.runs;
    }
    ok(runs > 20, `${runs} runs`);
  });
});
