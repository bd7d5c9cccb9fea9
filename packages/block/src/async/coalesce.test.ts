import { describe, expect, test } from 'vitest';
import { errorOf, settled, stateOf } from '../testing.js';
import { coalesce } from './coalesce.js';

/** Runs that end when the test says so. */
function desk() {
  const runs: { resolve: (value: string) => void; reject: (error: unknown) => void }[] = [];
  const call = coalesce(() => new Promise<string>((resolve, reject) => runs.push({ resolve, reject })));
  return { runs, call };
}

describe('coalesce', () => {
  test('runs within the call where nothing runs, and settles as the run does', async () => {
    const { runs, call } = desk();
    const first = call();
    expect(runs).toHaveLength(1);
    runs[0]?.resolve('one');
    expect(await first).toBe('one');
    const second = call();
    expect(runs).toHaveLength(2);
    const error = new Error('two');
    runs[1]?.reject(error);
    expect(await errorOf(second)).toBe(error);
  });

  test.each(['resolves', 'rejects'])('shares one further run, which begins after the first one %s', async (outcome) => {
    const { runs, call } = desk();
    const first = call();
    const later = [call(), call(), call()];
    await settled();
    expect(runs).toHaveLength(1);
    if (outcome === 'resolves') runs[0]?.resolve('one');
    else runs[0]?.reject(new Error('one'));
    await first.catch(() => {});
    await settled();
    expect(runs).toHaveLength(2);
    // A run that has begun answers for no call that comes after.
    const last = call();
    runs[1]?.resolve('two');
    expect(await Promise.all(later)).toEqual(['two', 'two', 'two']);
    expect(await stateOf(last)).toBe('pending');
    runs[2]?.resolve('three');
    expect(await last).toBe('three');
    expect(runs).toHaveLength(3);
  });

  test('tells the failure of the further run to all who share it, and to no one else', async () => {
    const { runs, call } = desk();
    const first = call();
    const later = [call(), call()];
    runs[0]?.resolve('one');
    expect(await first).toBe('one');
    await settled();
    const error = new Error('two');
    runs[1]?.reject(error);
    expect(await Promise.all(later.map(errorOf))).toEqual([error, error]);
  });

  test('never runs twice at once, at whatever microtask around the end of a run a call comes', async () => {
    for (let delay = 0; delay < 20; delay++) {
      let running = 0;
      let most = 0;
      const ends: (() => void)[] = [];
      const call = coalesce(async () => {
        running++;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => ends.push(resolve));
        running--;
      });
      const calls = [call(), call()];
      ends[0]?.();
      for (let i = 0; i < delay; i++) await undefined;
      calls.push(call());
      for (let i = 0; i < 3; i++) {
        await settled();
        for (const end of ends) end();
      }
      await Promise.all(calls);
      expect(most).toBe(1);
    }
  });
});
