import type { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { ObjectStore } from './store.js';

/** What a GET is answered with: the range it claims to be, and the pieces that come. */
interface Answer {
  readonly range: string | undefined;
  readonly pieces: readonly Uint8Array[];
}

/** A store whose client answers each GET with the next of `answers`. */
function storeOf(...answers: Answer[]): ObjectStore {
  const send = async () => {
    const answer = answers.shift();
    if (answer === undefined) throw new Error('one request more than was expected');
    const body = async function* () {
      yield* answer.pieces;
    };
    return { ETag: '"e"', ContentRange: answer.range, Body: body(), Metadata: {} };
  };
  const client = { send } as unknown as S3Client;
  return new ObjectStore(client, { bucket: 'bucket', deadlineMs: 60_000, destroyClient: false });
}

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value);

test('an answer shorter than it claims to be is asked for again, and then whole', async () => {
  const target = bytes(4, 0xee);
  const store = storeOf(
    { range: 'bytes 16-19/20', pieces: [bytes(2, 1)] },
    { range: 'bytes 16-19/20', pieces: [bytes(1, 2), bytes(3, 3)] },
  );
  expect(await store.get('key', [target], 16)).toMatchObject({ etag: '"e"', sizeBytes: 20 });
  expect([...target]).toEqual([2, 3, 3, 3]);
});

test('answers that are all too short are an error', async () => {
  const short = { range: 'bytes 0-3/4', pieces: [bytes(2)] };
  await expect(storeOf(short, short, short, short).get('key', [bytes(4)], 0)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('2 of 4 bytes'),
  });
});

test('an object that ends within the range is followed by zeroes', async () => {
  const target = [bytes(3, 0xee), bytes(5, 0xee)];
  await storeOf({ range: 'bytes 16-19/20', pieces: [bytes(4)] }).get('key', target, 16);
  expect(target.map((buffer) => [...buffer])).toEqual([
    [7, 7, 7],
    [7, 0, 0, 0, 0],
  ]);
});

test.each([
  ['the whole object', undefined],
  ['another range', 'bytes 0-3/20'],
  ['a longer range', 'bytes 16-20/21'],
  ['a range of unknown length', 'bytes 16-19/*'],
])('a store that gives %s for a range is UNSUPPORTED', async (_, range) => {
  await expect(storeOf({ range, pieces: [bytes(4)] }).get('key', [bytes(4)], 16)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  });
});

test('an answer longer than it claims to be is an error, and never runs over', async () => {
  const long = { range: 'bytes 0-3/4', pieces: [bytes(9)] };
  await expect(storeOf(long, long, long, long).get('key', [bytes(4)], 0)).rejects.toMatchObject({ code: 'IO' });
});
