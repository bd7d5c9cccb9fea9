import { describe, expect, test } from 'vitest';
import { errorOf, settled, stateOf } from '../testing.js';
import { Semaphore } from './semaphore.js';

/** Tasks that note when they begin, and end when the test says so. */
function desk(semaphore: Semaphore) {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const run = (number: number) =>
    semaphore.run(() => {
      begun.push(number);
      return new Promise<void>((resolve) => {
        ends[number] = resolve;
      });
    });
  return { begun, ends, run };
}

describe('Semaphore', () => {
  test('begins tasks within the call while permits are free, the others first come, first served', async () => {
    const { begun, ends, run } = desk(new Semaphore(2));
    const running = [0, 1, 2, 3, 4].map(run);
    expect(begun).toEqual([0, 1]);
    ends[1]?.();
    await settled();
    expect(begun).toEqual([0, 1, 2]);
    ends[0]?.();
    await settled();
    expect(begun).toEqual([0, 1, 2, 3]);
    ends[2]?.();
    ends[3]?.();
    await settled();
    ends[4]?.();
    await Promise.all(running);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  test('lets no newcomer overtake one that waits', async () => {
    const semaphore = new Semaphore(1);
    const { begun, ends, run } = desk(semaphore);
    const running = [run(0), run(1)];
    ends[0]?.();
    // The permit is on its way to the one that waits, whose task has not begun.
    await running[0];
    running.push(run(2));
    await settled();
    expect(begun).toEqual([0, 1]);
    ends[1]?.();
    await settled();
    expect(begun).toEqual([0, 1, 2]);
    ends[2]?.();
    await Promise.all(running);
  });

  test('settles as the task does, and gives the permit back either way', async () => {
    const semaphore = new Semaphore(1);
    expect(await semaphore.run(async () => 'result')).toBe('result');
    expect(await semaphore.run(() => 'at once')).toBe('at once');
    expect(await errorOf(semaphore.run(() => Promise.reject(new Error('later'))))).toMatchObject({ message: 'later' });
    const throwing = semaphore.run(() => {
      throw new Error('at once');
    });
    expect(await errorOf(throwing)).toMatchObject({ message: 'at once' });
    expect(semaphore.tryAcquire()).toBe(true);
  });

  test('gives permits by hand', async () => {
    const semaphore = new Semaphore(2);
    expect([semaphore.tryAcquire(), semaphore.tryAcquire(), semaphore.tryAcquire()]).toEqual([true, true, false]);
    const waiting = semaphore.acquire();
    expect(await stateOf(waiting)).toBe('pending');
    semaphore.release();
    await waiting;
    expect(semaphore.tryAcquire()).toBe(false);
    semaphore.release();
    await semaphore.acquire();
    expect(semaphore.tryAcquire()).toBe(false);
  });

  test('rejects those who wait, each with an error of its own, and keeps the permits of the others', async () => {
    const semaphore = new Semaphore(1);
    const { begun, ends, run } = desk(semaphore);
    const first = run(0);
    const waiting = [run(1), semaphore.acquire()];
    let errors = 0;
    semaphore.rejectWaiting(() => new Error(`error ${++errors}`));
    expect(await errorOf(waiting[0] as Promise<void>)).toMatchObject({ message: 'error 1' });
    expect(await errorOf(waiting[1] as Promise<void>)).toMatchObject({ message: 'error 2' });
    expect(semaphore.tryAcquire()).toBe(false);
    ends[0]?.();
    await first;
    expect(begun).toEqual([0]);
    expect(semaphore.tryAcquire()).toBe(true);
  });

  test('has no limit where it is infinite', async () => {
    const semaphore = new Semaphore(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 1000; i++) expect(semaphore.tryAcquire()).toBe(true);
    semaphore.release();
    expect(semaphore.tryAcquire()).toBe(true);
  });

  test('serves a long queue in order', async () => {
    const semaphore = new Semaphore(3);
    const begun: number[] = [];
    const run = (number: number) =>
      semaphore.run(async () => {
        begun.push(number);
      });
    await Promise.all(Array.from({ length: 1000 }, (_, number) => run(number)));
    expect(begun).toEqual(Array.from({ length: 1000 }, (_, number) => number));
  });

  test('notices a permit that is given back twice', () => {
    const semaphore = new Semaphore(1);
    semaphore.tryAcquire();
    semaphore.release();
    expect(() => semaphore.release()).toThrow('broken invariant: a permit is released by a holder, once');
  });

  test.each([0, -1, Number.NaN])('is not made with %s permits', (permits) => {
    expect(() => new Semaphore(permits)).toThrow(RangeError);
  });
});
