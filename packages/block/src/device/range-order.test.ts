import { describe, expect, test } from 'vitest';
import { errorOf, settled } from '../testing.js';
import { RangeOrder } from './range-order.js';

const WRITE = true;
const READ = false;

/** Tasks that note when they begin, and end when told. */
function desk(order: RangeOrder) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, start: number, count: number, exclusive: boolean) =>
    order.run(start, count, exclusive, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await settled();
  };
  return { begun, run, end };
}

describe('RangeOrder', () => {
  test('gives back at once what a task gives back at once', () => {
    const order = new RangeOrder(() => {});
    expect(order.run(0, 1, WRITE, () => 7)).toBe(7);
    expect(() =>
      order.run(0, 1, WRITE, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    // Neither left anything behind.
    expect(order.run(0, 1, WRITE, () => 8)).toBe(8);
  });

  test('lets those through that only touch', () => {
    const { begun, run } = desk(new RangeOrder(() => {}));
    run('a', 0, 4, WRITE);
    run('b', 4, 4, WRITE);
    run('c', 12, 1, WRITE);
    run('d', 8, 4, WRITE);
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  test('makes a task wait for every earlier one it conflicts with, and only for those', async () => {
    const { begun, run, end } = desk(new RangeOrder(() => {}));
    run('left', 0, 2, READ);
    run('right', 8, 2, READ);
    run('all', 0, 10, WRITE);
    run('between', 4, 1, READ);
    run('reader', 20, 1, READ);
    expect(begun).toEqual(['left', 'right', 'reader']);
    await end('left');
    expect(begun).toHaveLength(3);
    await end('right');
    expect(begun.at(-1)).toBe('all');
    await end('all');
    expect(begun.at(-1)).toBe('between');
  });

  test('goes on after a task that rejects', async () => {
    const order = new RangeOrder(() => {});
    const failing = order.run(0, 1, WRITE, () => Promise.reject(new Error('no')));
    const next = order.run(0, 1, WRITE, () => 'next');
    expect(await errorOf(failing as Promise<never>)).toMatchObject({ message: 'no' });
    expect(await next).toBe('next');
  });

  test('once opened makes no task wait, but asks before it runs those that did', async () => {
    let allowed = true;
    const order = new RangeOrder(() => {
      if (!allowed) throw new Error('closed');
    });
    const { begun, run } = desk(order);
    run('hung', 0, 4, WRITE);
    const waiting = errorOf(run('waiting', 0, 1, WRITE) as Promise<void>);
    const behind = errorOf(run('behind', 0, 1, READ) as Promise<void>);
    allowed = false;
    order.open();
    expect(await waiting).toMatchObject({ message: 'closed' });
    expect(await behind).toMatchObject({ message: 'closed' });
    expect(begun).toEqual(['hung']);
    expect(order.run(0, 4, WRITE, () => 'at once')).toBe('at once');
  });
});
