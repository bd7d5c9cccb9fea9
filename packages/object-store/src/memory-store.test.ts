import { expect, test } from 'vitest';
import { MemoryStore } from './memory-store.js';

const body = (text: string) => Buffer.from(text);

test('a store without conditions stores and deletes whatever is asked for, and says so', async () => {
  const store = new MemoryStore({ conditionalPuts: false, conditionalDeletes: false });
  expect(await store.probe({ scratchPrefix: 'probe-' })).toMatchObject({
    conditionalPuts: false,
    conditionalDeletes: false,
  });
  await store.put('a', body('1'), 'absent', 'one');
  expect(await store.put('a', body('2'), 'absent', 'two')).toMatchObject({ kind: 'stored' });
  expect(await store.put('a', body('3'), { etag: '"none"' }, 'three')).toMatchObject({ kind: 'stored' });
  expect(await store.delete([{ key: 'a', etag: '"none"' }])).toEqual(['gone']);
  expect(store.objects.size).toBe(0);
});

test('a store without an order lists the last keys first, and refuses to list or to be probed in order', async () => {
  const store = new MemoryStore({ listsInOrder: false });
  for (const key of ['b', 'c', 'a']) await store.put(key, body(key), 'absent', key);
  const found: string[] = [];
  for await (const page of store.list('', { maxKeys: 2 })) found.push(...page.map(({ key }) => key));
  expect(found).toEqual(['c', 'b', 'a']);
  await expect(store.list('', { inOrder: true }).next()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(store.probe({ scratchPrefix: 'p', inOrder: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test('the dates are those of the clock that it was given', async () => {
  let nowMs = 1000;
  const store = new MemoryStore({ wallMs: () => nowMs });
  store.dates.watch('a');
  await store.put('a', body('1'), 'absent', 'one');
  nowMs = 5000;
  await store.head('a');
  expect(store.dates.watched).toEqual({ answeredMs: 5000, storedMs: 1000 });
  nowMs = 6000;
  await store.head('b');
  expect(store.dates.latestMs).toBe(6000);
  for await (const page of store.list('')) expect(page.map(({ modifiedMs }) => modifiedMs)).toEqual([1000]);
});

test.each(['', 'x'.repeat(1025)])('%j is no key', async (key) => {
  const store = new MemoryStore();
  expect(await store.put(key, body('1'), 'absent', 'one')).toMatchObject({
    kind: 'failed',
    late: false,
    error: { code: 'INVALID_ARGUMENT' },
  });
});

test.each(['x'.repeat(1025), ' x', 'x ', 'é', 'a\nb'])('%j is no stamp', async (stamp) => {
  const store = new MemoryStore();
  expect(await store.put('a', body('1'), 'absent', stamp)).toMatchObject({
    kind: 'failed',
    late: false,
    error: { code: 'INVALID_ARGUMENT' },
  });
});

test.each([0, 1001, 1.5])('a page of %d keys is refused', async (maxKeys) => {
  await expect(new MemoryStore().list('', { maxKeys }).next()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('only a listing in order begins after a key', async () => {
  await expect(new MemoryStore().list('', { after: 'a' }).next()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
