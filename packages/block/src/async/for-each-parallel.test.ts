import { describe, expect, test } from 'vitest';
import { errorOf, settled, stateOf } from '../testing.js';
import { forEachParallel } from './for-each-parallel.js';

function* numbers(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

async function* numbersLater(count: number): AsyncGenerator<number> {
  yield* numbers(count);
}

/** Tasks that wait until the test ends them. */
function desk() {
  const begun: number[] = [];
  const workers: number[] = [];
  const ends: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const task = (item: number, worker: number) => {
    begun.push(item);
    workers.push(worker);
    return new Promise<void>((resolve, reject) => {
      ends[item] = { resolve, reject };
    });
  };
  return { begun, workers, ends, task };
}

describe.each([
  ['an iterable', numbers],
  ['an async iterable', numbersLater],
] as const)('forEachParallel over %s', (_, items) => {
  test('keeps as many tasks under way as it may, begun in the order of the items', async () => {
    const { begun, workers, ends, task } = desk();
    const running = forEachParallel(items(5), { maxConcurrency: 3 }, task);
    await settled();
    expect(begun).toEqual([0, 1, 2]);
    ends[1]?.resolve();
    await settled();
    expect(begun).toEqual([0, 1, 2, 3]);
    for (const i of [0, 2, 3]) ends[i]?.resolve();
    await settled();
    ends[4]?.resolve();
    await running;
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    // The fourth task has the worker of the second, which was free then.
    expect(workers.slice(0, 4)).toEqual([0, 1, 2, 1]);
  });

  test('works on every item once, however many there are', async () => {
    const seen: number[] = [];
    await forEachParallel(items(1000), { maxConcurrency: 7 }, async (item) => {
      if (item % 3 === 0) await settled();
      seen.push(item);
    });
    expect(seen.sort((a, b) => a - b)).toEqual([...numbers(1000)]);
  });

  test('resolves at once where there is nothing to do', async () => {
    await forEachParallel(items(0), { maxConcurrency: 3 }, () => {
      throw new Error('there is no item');
    });
  });

  test('has no more workers than items', async () => {
    const workers = new Set<number>();
    await forEachParallel(items(2), { maxConcurrency: Number.POSITIVE_INFINITY }, async (_, worker) => {
      workers.add(worker);
      await settled();
    });
    expect([...workers]).toEqual([0, 1]);
  });

  test('after a failure begins nothing more, and rejects with the first one once all has settled', async () => {
    const { begun, ends, task } = desk();
    const running = forEachParallel(items(9), { maxConcurrency: 3 }, task);
    await settled();
    const first = new Error('first');
    ends[2]?.reject(first);
    await settled();
    ends[0]?.reject(new Error('second'));
    expect(await stateOf(running)).toBe('pending');
    ends[1]?.resolve();
    expect(await errorOf(running)).toBe(first);
    expect(begun).toEqual([0, 1, 2]);
  });

  test('takes what a task throws for its failure', async () => {
    const error = new Error('thrown');
    const running = forEachParallel(items(9), { maxConcurrency: 3 }, () => {
      throw error;
    });
    expect(await errorOf(running)).toBe(error);
  });

  test('ends with what throwIfStopped throws, once what is under way has settled', async () => {
    const { begun, ends, task } = desk();
    let reason: Error | undefined;
    const throwIfStopped = () => {
      if (reason !== undefined) throw reason;
    };
    const running = forEachParallel(items(9), { maxConcurrency: 2, throwIfStopped }, task);
    await settled();
    reason = new Error('stopped');
    ends[0]?.resolve();
    expect(await stateOf(running)).toBe('pending');
    ends[1]?.resolve();
    expect(await errorOf(running)).toBe(reason);
    expect(begun).toEqual([0, 1]);
  });

  test('stopped during the last task does not seem complete', async () => {
    let isStopped = false;
    const throwIfStopped = () => {
      if (isStopped) throw new Error('stopped');
    };
    const running = forEachParallel(items(1), { maxConcurrency: 3, throwIfStopped }, async () => {
      await settled();
      isStopped = true;
    });
    expect(await errorOf(running)).toMatchObject({ message: 'stopped' });
  });

  test('stopped from the start takes no item', async () => {
    let taken = 0;
    const counted = {
      *[Symbol.iterator]() {
        taken++;
        yield* numbers(9);
      },
    };
    const throwIfStopped = () => {
      throw new Error('stopped');
    };
    const running = forEachParallel(counted, { maxConcurrency: 2, throwIfStopped }, async () => {});
    expect(await errorOf(running)).toMatchObject({ message: 'stopped' });
    expect(taken).toBe(0);
  });

  test('once it is done takes nothing more, and resolves when what is under way has settled', async () => {
    const { begun, ends, task } = desk();
    let isDone = false;
    const running = forEachParallel(items(9), { maxConcurrency: 3, isDone: () => isDone }, task);
    await settled();
    isDone = true;
    ends[2]?.resolve();
    expect(await stateOf(running)).toBe('pending');
    ends[0]?.resolve();
    ends[1]?.resolve();
    await running;
    expect(begun).toEqual([0, 1, 2]);
  });

  test('works on every item that it took before it was done', async () => {
    const done: number[] = [];
    let isDone = false;
    await forEachParallel(items(100), { maxConcurrency: 8, isDone: () => isDone }, async (item) => {
      done.push(item);
      if (item === 4) isDone = true;
    });
    expect(done.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(done).toEqual(done.map((_, i) => i));
    expect(done.length).toBeLessThan(100);
  });

  test.each([0, -1, Number.NaN])('refuses to run %s tasks at once', async (maxConcurrency) => {
    const error = await errorOf(forEachParallel(items(1), { maxConcurrency }, async () => {}));
    expect(error).toEqual(new RangeError(`maxConcurrency must be at least 1, not ${maxConcurrency}`));
  });
});

describe('forEachParallel', () => {
  test('takes an item only when a task can begin with it', async () => {
    let taken = 0;
    function* counted(): Generator<number> {
      for (const item of numbers(100)) {
        taken++;
        yield item;
      }
    }
    const { ends, task } = desk();
    const running = forEachParallel(counted(), { maxConcurrency: 2 }, task);
    await settled();
    expect(taken).toBe(2);
    ends[0]?.reject(new Error('enough'));
    ends[1]?.resolve();
    await errorOf(running);
    expect(taken).toBe(2);
  });

  test('begins the first tasks within the call where the items are there', () => {
    const { begun, task } = desk();
    void forEachParallel([5, 6, 7], { maxConcurrency: 2 }, task);
    expect(begun).toEqual([5, 6]);
  });

  test('begins no task with an item that comes after a failure', async () => {
    let arrive = () => {};
    async function* late(): AsyncGenerator<number> {
      yield 0;
      await new Promise<void>((resolve) => {
        arrive = resolve;
      });
      yield 1;
    }
    const { begun, ends, task } = desk();
    const running = forEachParallel(late(), { maxConcurrency: 3 }, task);
    await settled();
    ends[0]?.reject(new Error('first'));
    expect(await stateOf(running)).toBe('pending');
    arrive();
    expect(await errorOf(running)).toMatchObject({ message: 'first' });
    expect(begun).toEqual([0]);
  });

  test('begins no task with an item that comes after the stop', async () => {
    let isStopped = false;
    async function* late(): AsyncGenerator<number> {
      await settled();
      isStopped = true;
      yield 0;
    }
    const throwIfStopped = () => {
      if (isStopped) throw new Error('stopped');
    };
    const { begun, task } = desk();
    const running = forEachParallel(late(), { maxConcurrency: 1, throwIfStopped }, task);
    expect(await errorOf(running)).toMatchObject({ message: 'stopped' });
    expect(begun).toEqual([]);
  });

  test.each([
    [
      'an iterator',
      function* () {
        yield 0;
        throw new Error('no more');
      },
    ],
    [
      'an async iterator',
      async function* () {
        yield 0;
        throw new Error('no more');
      },
    ],
  ])('rejects with the failure of %s once what is under way has settled', async (_, items) => {
    const { ends, task } = desk();
    const running = forEachParallel<number>(items(), { maxConcurrency: 2 }, task);
    expect(await stateOf(running)).toBe('pending');
    ends[0]?.resolve();
    expect(await errorOf(running)).toMatchObject({ message: 'no more' });
  });

  test('closes the iterator if it ends early, after the last task, and not otherwise', async () => {
    const events: string[] = [];
    async function* watched(count: number): AsyncGenerator<number> {
      try {
        yield* numbers(count);
        events.push('end');
      } finally {
        events.push('closed');
      }
    }
    const task = async () => {
      await settled();
      events.push('task');
    };
    await forEachParallel(watched(2), { maxConcurrency: 2 }, task);
    expect(events.splice(0)).toEqual(['task', 'end', 'closed', 'task']);
    let tasks = 0;
    const isDone = () => ++tasks > 2;
    await forEachParallel(watched(9), { maxConcurrency: 2, isDone }, task);
    expect(events).toEqual(['task', 'task', 'closed']);
  });

  test('needs no iterator that can be closed', async () => {
    const items = { [Symbol.iterator]: () => ({ next: () => ({ done: false as const, value: 0 }) }) };
    let tasks = 0;
    await forEachParallel(items, { maxConcurrency: 1, isDone: () => tasks === 3 }, async () => {
      tasks++;
    });
    expect(tasks).toBe(3);
  });

  test('tells the first failure rather than that of closing, and that one if it is the only one', async () => {
    const items = () => ({
      [Symbol.iterator]: () => ({
        next: () => ({ done: false as const, value: 0 }),
        return: () => {
          throw new Error('of closing');
        },
      }),
    });
    const failing = forEachParallel(items(), { maxConcurrency: 1 }, async () => {
      throw new Error('of a task');
    });
    expect(await errorOf(failing)).toMatchObject({ message: 'of a task' });
    let isDone = false;
    const ending = forEachParallel(items(), { maxConcurrency: 1, isDone: () => isDone }, async () => {
      isDone = true;
    });
    expect(await errorOf(ending)).toMatchObject({ message: 'of closing' });
  });

  test('works on items that are undefined', async () => {
    let count = 0;
    await forEachParallel([undefined, undefined, undefined], { maxConcurrency: 2 }, async () => {
      count++;
    });
    expect(count).toBe(3);
  });
});
