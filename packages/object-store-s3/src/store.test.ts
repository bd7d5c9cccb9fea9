import type { S3Client } from '@aws-sdk/client-s3';
import { readInto } from '@blockyard/object-store';
import { expect, test } from 'vitest';
import { openS3Store } from './open.js';
import type { S3ObjectStore } from './store.js';

/** What a GET is answered with: the range it claims to be, and the pieces that come. */
interface Answer {
  readonly range: string | undefined;
  /** Said to be the length of the body. */
  readonly lengthBytes?: number;
  readonly pieces: readonly Uint8Array[];
}

/** A store whose client answers each GET with the next of `answers`. */
function storeOf(...answers: Answer[]): S3ObjectStore {
  const send = async () => {
    const answer = answers.shift();
    if (answer === undefined) throw new Error('one request more than was expected');
    const body = async function* () {
      yield* answer.pieces;
    };
    return {
      ETag: '"e"',
      ContentRange: answer.range,
      ContentLength: answer.lengthBytes,
      Body: Object.assign(body(), { destroy: () => {} }),
      Metadata: {},
    };
  };
  const middlewareStack = { add: () => {}, remove: () => false };
  const client = { send, middlewareStack } as unknown as S3Client;
  return openS3Store({ bucket: 'bucket', client, maxAttempts: 4, random: () => 0, maxConcurrency: 1 });
}

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value);

test('an answer shorter than it claims to be is asked for again, and then whole', async () => {
  const target = bytes(4, 0xee);
  const store = storeOf(
    { range: 'bytes 16-19/20', pieces: [bytes(2, 1)] },
    { range: 'bytes 16-19/20', pieces: [bytes(1, 2), bytes(3, 3)] },
  );
  expect(await readInto(store, 'key', [target], 16)).toMatchObject({ etag: '"e"', sizeBytes: 20 });
  expect([...target]).toEqual([2, 3, 3, 3]);
});

test('answers that are all too short are an error', async () => {
  const short = { range: 'bytes 0-3/4', pieces: [bytes(2)] };
  await expect(readInto(storeOf(short, short, short, short), 'key', [bytes(4)], 0)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('2 of 4 bytes'),
  });
});

test('an object that ends within the range is followed by zeroes', async () => {
  const target = [bytes(3, 0xee), bytes(5, 0xee)];
  await readInto(storeOf({ range: 'bytes 16-19/20', pieces: [bytes(4)] }), 'key', target, 16);
  expect(target.map((buffer) => [...buffer])).toEqual([
    [7, 7, 7],
    [7, 0, 0, 0, 0],
  ]);
});

test.each([
  ['the whole object, of a length it does not tell', undefined],
  ['another range', 'bytes 0-3/20'],
  ['a longer range', 'bytes 16-20/21'],
  ['a range of unknown length', 'bytes 16-19/*'],
])('a store that gives %s for a range is UNSUPPORTED', async (_, range) => {
  await expect(readInto(storeOf({ range, pieces: [bytes(4)] }), 'key', [bytes(4)], 16)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  });
});

test.each([
  { name: 'from its start', offset: 0, pieces: [5, 15], expected: [1, 1, 1, 1] },
  { name: 'from its middle, over pieces', offset: 3, pieces: [5, 15], expected: [1, 1, 2, 2] },
  { name: 'within a later piece', offset: 8, pieces: [5, 15], expected: [2, 2, 2, 2] },
  { name: 'at its very end', offset: 16, pieces: [5, 15], expected: [2, 2, 2, 2] },
])('a part $name is taken out of a whole object that came for it', async ({ offset, pieces, expected }) => {
  const target = bytes(4, 0xee);
  const whole = {
    range: undefined,
    lengthBytes: 20,
    pieces: pieces.map((length, number) => bytes(length, number + 1)),
  };
  expect(await readInto(storeOf(whole), 'key', [target], offset)).toMatchObject({ sizeBytes: 20 });
  expect([...target]).toEqual(expected);
});

test('a whole object is read no further than up to the end of the part', async () => {
  let read = 0;
  const pieces = function* () {
    for (; read < 100; read++) yield bytes(10);
  };
  const whole = { range: undefined, lengthBytes: 1000, pieces: pieces() as unknown as Uint8Array[] };
  await readInto(storeOf(whole), 'key', [bytes(10)], 15);
  expect(read).toBe(2);
});

test('a whole object that ends within the range is believed if the object ends there', async () => {
  const target = bytes(8, 0xee);
  const whole = { range: undefined, lengthBytes: 20, pieces: [bytes(20)] };
  await readInto(storeOf(whole, whole), 'key', [target], 16);
  expect([...target]).toEqual([7, 7, 7, 7, 0, 0, 0, 0]);
  const longer = { ...whole, lengthBytes: 30 };
  await expect(readInto(storeOf(whole, longer), 'key', [target], 16)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test('an answer longer than it claims to be is an error, and never runs over', async () => {
  const long = { range: 'bytes 0-3/4', pieces: [bytes(9)] };
  await expect(readInto(storeOf(long, long, long, long), 'key', [bytes(4)], 0)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});
