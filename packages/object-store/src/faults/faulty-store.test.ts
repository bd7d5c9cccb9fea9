import { BlockError } from '@blockyard/block';
import { beforeEach, expect, test } from 'vitest';
import { MemoryStore } from '../memory-store.js';
import { readInto } from '../read.js';
import { FaultyStore, type StoreRequest } from './index.js';

let memory: MemoryStore;
let store: FaultyStore;
beforeEach(() => {
  memory = new MemoryStore();
  store = new FaultyStore(memory);
});

const body = (text: string) => Buffer.from(text);
const isPut = ({ kind }: StoreRequest) => kind === 'put';

/** A promise, and what resolves it. */
function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

test('a request that is refused is not carried out, and certainly not', async () => {
  const error = new BlockError('ACCESS_DENIED', 'no');
  store.onRequest = () => ({ kind: 'refuse', error });
  expect(await store.put('a', body('1'), 'absent', 'one')).toEqual({ kind: 'failed', error, late: false });
  await expect(store.head('a')).rejects.toBe(error);
  await expect(store.delete([{ key: 'a' }])).rejects.toBe(error);
  await expect(store.list('').next()).rejects.toBe(error);
  expect(memory.objects.size).toBe(0);
});

test('a PUT whose reply is lost was carried out, its caller cannot know, and to make it again is to be told', async () => {
  store.onRequest = (request) => (isPut(request) ? { kind: 'lose', carriedOut: 'before' } : undefined);
  expect(await store.put('a', body('1'), 'absent', 'one')).toMatchObject({ kind: 'failed', late: true });
  const etag = memory.objects.get('a')?.etag;
  expect(etag).toBeDefined();
  store.onRequest = () => undefined;
  expect(await store.put('a', body('1'), 'absent', 'one')).toEqual({ kind: 'stored', etag, late: false });
});

test('a PUT that never arrives leaves its caller in doubt as well', async () => {
  store.onRequest = () => ({ kind: 'lose', carriedOut: 'never' });
  expect(await store.put('a', body('1'), 'absent', 'one')).toMatchObject({
    kind: 'failed',
    late: true,
    error: { code: 'UNAVAILABLE' },
  });
  expect(memory.objects.size).toBe(0);
});

test('a PUT that was given up arrives late, with the bytes and the condition that it was sent with', async () => {
  const [first, second] = [gate(), gate()];
  const gates = [first, second];
  store.onRequest = (request) => {
    const next = isPut(request) ? gates.shift() : undefined;
    return next && { kind: 'lose', carriedOut: next.passed };
  };
  const sent = body('1');
  expect(await store.put('a', sent, 'absent', 'one')).toMatchObject({ kind: 'failed', late: true });
  expect(await store.put('b', body('1'), 'absent', 'one')).toMatchObject({ kind: 'failed', late: true });
  sent.fill(0);
  expect(memory.objects.size).toBe(0);
  await store.put('b', body('2'), 'absent', 'two');
  first.open();
  second.open();
  await store.idle();
  expect(memory.objects.get('a')?.body).toEqual(new Uint8Array(body('1')));
  // Another one was there by then.
  expect(memory.objects.get('b')?.stamp).toBe('two');
});

test('a request that is held is carried out, and answered, when it is let go', async () => {
  const held = gate();
  store.onRequest = (request) => (isPut(request) ? { kind: 'hold', until: held.passed } : undefined);
  const putting = store.put('a', body('1'), 'absent', 'one');
  expect(await store.head('a')).toBeUndefined();
  held.open();
  expect(await putting).toMatchObject({ kind: 'stored', late: false });
});

test('an answer that is truncated gives some bytes, and is an error', async () => {
  await store.put('a', body('0123456789'), 'absent', 'one');
  store.onRequest = () => ({ kind: 'truncate', bytes: 4 });
  const target = Buffer.alloc(10, '.');
  await expect(readInto(store, 'a', [target], 0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(target.toString()).toBe('0123......');
});

test('requests are told as they come, each page of a listing by itself', async () => {
  for (const key of ['a', 'b', 'c']) await store.put(key, body(key), 'absent', key);
  store.requests.length = 0;
  for await (const page of store.list('', { maxKeys: 2 })) expect(page.length).toBeGreaterThan(0);
  await store.delete([{ key: 'a' }, { key: 'b' }]);
  expect(store.requests).toEqual([
    { kind: 'list', key: '' },
    { kind: 'list', key: '' },
    { kind: 'list', key: '' },
    { kind: 'delete', key: 'a', keys: ['a', 'b'] },
  ]);
});
