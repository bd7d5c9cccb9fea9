import { expect, test } from 'vitest';
import { Geometry } from './geometry.js';
import { joinNext } from '../root/join-next.js';
import { dataKey, indexOfKey, keysOf } from './keys.js';
import { ETAGS_MAX, KnownObjects } from './known-objects.js';
import { ObjectLocks } from './object-locks.js';
import { coverAll } from './patch.js';
import { Scatter } from '../store/scatter.js';
import { eachInParallel, Slots } from '../store/slots.js';
import { toBlockError } from '../store/store-error.js';
import { gate } from '../testing/servers.js';

/** Lets everything run that waits for nothing but its turn. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('keys of data sort as their numbers do, and give them back', () => {
  const keys = keysOf('a/b');
  const numbers = [0, 1, 15, 16, 255, 4096, 2 ** 32 - 1, 2 ** 32, 2 ** 44 - 1];
  const made = numbers.map((number) => dataKey(keys, number));
  expect([...made].sort()).toEqual(made);
  expect(made.map((key) => indexOfKey(keys, key))).toEqual(numbers);
  expect(dataKey(keys, 10)).toBe('a/b/data/00000000000a');
});

test.each(['a/b/data/', 'a/b/data/00000000000A', 'a/b/data/0a', 'a/b/data/00000000000a/x', 'a/c/data/00000000000a'])(
  '%s is no key of data',
  (key) => {
    expect(indexOfKey(keysOf('a/b'), key)).toBeUndefined();
  },
);

test('a list of buffers is cut at the borders of objects', () => {
  const geometry = new Geometry({ sectorSize: 512, objectSizeBytes: 2048, sizeSectors: 100 });
  const bytes = Uint8Array.from({ length: 512 * 9 }, (_, position) => Math.floor(position / 512) + 1);
  const buffers = [bytes.subarray(0, 512), bytes.subarray(512, 512 * 6), bytes.subarray(512 * 6)];
  const parts = [...geometry.cut(3, buffers)];
  expect(parts.map(({ index, offset, lengthBytes }) => [index, offset, lengthBytes])).toEqual([
    [0, 1536, 512],
    [1, 0, 2048],
    [2, 0, 2048],
  ]);
  expect(parts.map((part) => part.buffers.map((buffer) => [buffer[0], buffer.byteLength]))).toEqual([
    [[1, 512]],
    [[2, 2048]],
    [
      [6, 512],
      [7, 1536],
    ],
  ]);
});

test('a device that ends within an object has less data there', () => {
  const geometry = new Geometry({ sectorSize: 512, objectSizeBytes: 2048, sizeSectors: 5 });
  expect(geometry.objectCount).toBe(2);
  expect([0, 1, 2].map((index) => geometry.dataBytesOf(index))).toEqual([2048, 512, 2048]);
});

test('patches cover an object together or leave a gap', () => {
  expect(
    coverAll(
      [
        { offset: 512, lengthBytes: 512 },
        { offset: 0, lengthBytes: 600 },
      ],
      1024,
    ),
  ).toBe(true);
  expect(
    coverAll(
      [
        { offset: 513, lengthBytes: 511 },
        { offset: 0, lengthBytes: 512 },
      ],
      1024,
    ),
  ).toBe(false);
  expect(coverAll([{ offset: 0, lengthBytes: 1000 }], 1024)).toBe(false);
});

test('pieces of any size fill buffers of any size, the rest is zeroes, and too much is told', () => {
  const buffers = [3, 1, 4].map((length) => new Uint8Array(length).fill(0xee));
  const scatter = new Scatter(buffers);
  scatter.push(Uint8Array.of(1, 2));
  scatter.push(Uint8Array.of(3, 4, 5));
  scatter.end();
  expect(buffers.flatMap((buffer) => [...buffer])).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
  expect(() => scatter.push(Uint8Array.of(6))).toThrow('more bytes');
});

test('slots go to those who wait in their order, and never to more than there are', async () => {
  const slots = new Slots(2);
  const gates = Array.from({ length: 4 }, () => gate());
  const begun: number[] = [];
  const tasks = gates.map(({ passed }, number) =>
    slots.run(() => {
      begun.push(number);
      return passed;
    }),
  );
  expect(begun).toEqual([0, 1]);
  gates[1]?.open();
  await tasks[1];
  await settle();
  expect(begun).toEqual([0, 1, 2]);
  for (const { open } of gates) open();
  await Promise.all(tasks);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('work in parallel takes items as it comes to them, and throws once all that began has ended', async () => {
  let taken = 0;
  const items = function* () {
    for (;;) yield taken++;
  };
  const slow = gate();
  const failed = eachInParallel(items(), 3, async (item) => {
    if (item === 0) return slow.passed;
    throw new Error(`item ${item}`);
  });
  let ended = false;
  const outcome = failed.catch((error: Error) => {
    ended = true;
    return error.message;
  });
  await settle();
  expect(ended).toBe(false);
  slow.open();
  expect(await outcome).toBe('item 1');
  expect(taken).toBe(3);
});

test('an object has one holder at a time, in the order in which they came', async () => {
  const locks = new ObjectLocks();
  const first = gate();
  const order: string[] = [];
  const held = [
    locks.run(1, async () => {
      order.push('first');
      await first.passed;
      throw new Error('failed');
    }),
    locks.run(1, async () => void order.push('second')),
    locks.run(2, async () => void order.push('other')),
  ];
  await settle();
  expect(order).toEqual(['first', 'other']);
  expect(locks.held(0, 10)).toEqual([1]);
  first.open();
  const outcomes = await Promise.allSettled(held);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(order).toEqual(['first', 'other', 'second']);
  await settle();
  expect(locks.held(0, 10)).toEqual([]);
});

test('calls while a run is under way share the next one, and only that', async () => {
  const gates = [gate(), gate()];
  let runs = 0;
  const call = joinNext(async () => gates[runs++]?.passed);
  const calls = [call(), call(), call()];
  expect(runs).toBe(1);
  gates[0]?.open();
  await calls[0];
  await settle();
  expect(runs).toBe(2);
  gates[1]?.open();
  await Promise.all(calls);
  expect(runs).toBe(2);
});

test('a failed run fails those who called for it, not those who wait for the next', async () => {
  let runs = 0;
  const call = joinNext(async () => {
    await settle();
    if (runs++ === 0) throw new Error('first');
  });
  const [first, second] = await Promise.allSettled([call(), call()]);
  expect([first?.status, second?.status]).toEqual(['rejected', 'fulfilled']);
});

test('what is known of objects is bounded: the versions learnt first are forgotten first', () => {
  const known = new KnownObjects();
  for (let index = 0; index <= ETAGS_MAX; index++) known.stored(index, `"${index}"`);
  expect(known.etagOf(0)).toBeUndefined();
  expect(known.etagOf(1)).toBe('"1"');
  expect(known.mayExist(0)).toBe(true);
});

test('a doubt ends with certainty, but what may come late may always come', () => {
  const known = new KnownObjects();
  known.doubt(5);
  known.expectLate(5);
  expect([known.mayExist(5), known.isDoubtful(5), known.mayComeLate(5)]).toEqual([true, true, true]);
  known.stored(5, '"x"');
  expect([known.mayExist(5), known.isDoubtful(5), known.mayComeLate(5)]).toEqual([true, false, true]);
});

test('two million neighbouring objects are one run, and their versions are not all kept', () => {
  const known = new KnownObjects();
  for (let index = 0; index < 2_000_000; index++) known.listed(index, '"e"');
  expect([...known.runs(0, 3_000_000)]).toEqual([
    { start: 0, end: 2_000_000, inside: true },
    { start: 2_000_000, end: 3_000_000, inside: false },
  ]);
  expect(known.etagOf(ETAGS_MAX - 1)).toBe('"e"');
  expect(known.etagOf(ETAGS_MAX)).toBeUndefined();
});

test.each([
  [{ name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } }, 'NOT_FOUND', false],
  [{ name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } }, 'NOT_FOUND', false],
  [{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }, 'ACCESS_DENIED', false],
  [{ name: 'SignatureDoesNotMatch', $metadata: { httpStatusCode: 403 } }, 'ACCESS_DENIED', false],
  [{ name: 'Unauthorized', $metadata: { httpStatusCode: 401 } }, 'ACCESS_DENIED', false],
  [{ name: 'CredentialsProviderError' }, 'ACCESS_DENIED', false],
  [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'UNAVAILABLE', true],
  [{ name: 'InternalError', $metadata: { httpStatusCode: 500 } }, 'UNAVAILABLE', true],
  [{ name: 'Unknown', $metadata: { httpStatusCode: 429 } }, 'UNAVAILABLE', true],
  [{ name: 'TimeoutError', code: 'ECONNRESET' }, 'UNAVAILABLE', true],
  [{ name: 'Error', code: 'ECONNREFUSED' }, 'UNAVAILABLE', true],
  [{ name: 'Error', code: 'ENOTFOUND' }, 'UNAVAILABLE', true],
  [{ name: 'TimeoutError' }, 'TIMEOUT', true],
  [{ name: 'TimeoutError', code: 'ETIMEDOUT' }, 'TIMEOUT', true],
  [{ name: 'NotImplemented', $metadata: { httpStatusCode: 501 } }, 'UNSUPPORTED', false],
  [{ name: 'QuotaExceeded', $metadata: { httpStatusCode: 403 } }, 'NO_SPACE', true],
  [{ name: 'Unknown', $metadata: { httpStatusCode: 507 } }, 'NO_SPACE', true],
  [{ name: 'PermanentRedirect', $metadata: { httpStatusCode: 301 } }, 'INVALID_ARGUMENT', false],
  [{ name: 'Error', message: 'Region is missing' }, 'INVALID_ARGUMENT', false],
  [{ name: 'constructor' }, 'IO', false],
  ['something', 'IO', false],
] as const)('%j becomes %s', (error, code, retryable) => {
  expect(toBlockError(error, 'GET s3://b/k')).toMatchObject({ code, retryable, cause: error });
});
