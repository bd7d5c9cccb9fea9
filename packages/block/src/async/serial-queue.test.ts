import { describe, expect, test } from 'vitest';
import { errorOf, settled } from '../testing.js';
import { SerialQueue } from './serial-queue.js';

describe('SerialQueue', () => {
  test('runs tasks of one key one at a time, in order, and those of others beside them', async () => {
    const queue = new SerialQueue<string>();
    const events: string[] = [];
    const ends: Record<string, () => void> = {};
    const run = (key: string, name: string) =>
      queue.run(key, () => {
        events.push(`${name} begins`);
        return new Promise<void>((resolve) => {
          ends[name] = resolve;
        }).then(() => void events.push(`${name} ends`));
      });
    const running = [run('a', 'a1'), run('a', 'a2'), run('b', 'b1')];
    await settled();
    expect(events.splice(0)).toEqual(['a1 begins', 'b1 begins']);
    ends.a1?.();
    await settled();
    expect(events.splice(0)).toEqual(['a1 ends', 'a2 begins']);
    ends.a2?.();
    ends.b1?.();
    await Promise.all(running);
  });

  test('begins no task within the call', async () => {
    const queue = new SerialQueue<number>();
    let hasBegun = false;
    const running = queue.run(1, () => {
      hasBegun = true;
    });
    expect(hasBegun).toBe(false);
    await running;
    expect(hasBegun).toBe(true);
  });

  test('settles as the task does, and goes on after one that failed', async () => {
    const queue = new SerialQueue<number>();
    const failed = queue.run(1, () => Promise.reject(new Error('first')));
    const thrown = queue.run(1, () => {
      throw new Error('second');
    });
    const done = queue.run(1, () => 'third');
    expect(await errorOf(failed)).toMatchObject({ message: 'first' });
    expect(await errorOf(thrown)).toMatchObject({ message: 'second' });
    expect(await done).toBe('third');
  });

  test('tells which keys have a task, and keeps none of the others', async () => {
    const queue = new SerialQueue<number>();
    let end = () => {};
    const first = queue.run(1, () => new Promise<void>((resolve) => (end = resolve)));
    const second = queue.run(1, () => {});
    const other = queue.run(2, () => {});
    expect([...queue.keys()]).toEqual([1, 2]);
    await other;
    await settled();
    expect([...queue.keys()]).toEqual([1]);
    end();
    await Promise.all([first, second]);
    await settled();
    expect([...queue.keys()]).toEqual([]);
  });
});
