import type { BlockDevice } from '@blockyard/block';
import type { AnswerRule, StoreAnswer, StoreRequest } from '@blockyard/local-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectS3, createVolume } from './index.js';
import { useOddStore } from './testing/odd.js';

const SECTOR = 4096;
const OBJECT_SECTORS = 4;
const SECTORS = 12;
/** Object 0 is full, object 1 half full, object 2 is not there. */
const CONTENTS = [1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0];

const used = useOddStore();
const opened: BlockDevice[] = [];

beforeEach(async () => {
  await createVolume({ ...used.at, sizeBytes: SECTORS * SECTOR, objectSizeBytes: OBJECT_SECTORS * SECTOR });
  const device = await connectS3({ ...used.at, leaseMs: 0 });
  for (const [sector, value] of CONTENTS.entries()) await device.write(sector, fill(value));
  await device.disconnect();
});
afterEach(async () => {
  used.store.answer = (_, honest) => honest();
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});

const fill = (value: number) => [new Uint8Array(SECTOR).fill(value)];

async function connect(): Promise<BlockDevice> {
  const device = await connectS3({ ...used.at, leaseMs: 0 });
  opened.push(device);
  return device;
}

async function read(device: BlockDevice, start: number, count: number): Promise<number[]> {
  const buffer = Buffer.alloc(count * SECTOR, 0xee);
  await device.read(start, [buffer]);
  return Array.from({ length: count }, (_, sector) => {
    const bytes = buffer.subarray(sector * SECTOR, (sector + 1) * SECTOR);
    expect(new Set(bytes).size, 'a sector has one value').toBe(1);
    return bytes[0] ?? -1;
  });
}

type Change = (answer: StoreAnswer, request: StoreRequest) => StoreAnswer;

const isData = ({ key }: StoreRequest) => key.includes('/data/');
const header = (name: string, value: string | undefined): Change => {
  return ({ headers = {}, ...answer }) => {
    const { [name]: _, ...rest } = headers;
    return { ...answer, headers: value === undefined ? rest : { ...rest, [name]: value } };
  };
};
const body = (change: (bytes: Buffer) => Buffer): Change => {
  return (answer) => ({ ...answer, body: change(Buffer.from(answer.body ?? '')) });
};
/** For all answers to reads of data that are successes, or only the first so many. */
const bend = (change: Change, methods = 'GET', times = Number.POSITIVE_INFINITY): AnswerRule => {
  let left = times;
  return (request, honest) => {
    const answer = honest();
    if (!isData(request) || !methods.includes(request.method) || answer.status >= 300 || left-- <= 0) return answer;
    return change(answer, request);
  };
};
/** Instead of the answers to reads of data, or the first so many. */
const instead = (answer: StoreAnswer, methods = 'GET', times = Number.POSITIVE_INFINITY): AnswerRule => {
  let left = times;
  return (request, honest) => (isData(request) && methods.includes(request.method) && left-- > 0 ? answer : honest());
};
const error = (status: number, code: string): StoreAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`,
});
const flip = body((bytes) => {
  const flipped = Buffer.from(bytes);
  const at = flipped.length >> 1;
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
});
const empty: Change = (answer) => ({ ...answer, body: Buffer.alloc(0) });
const zeroes = body((bytes) => Buffer.alloc(bytes.length));

/** What a store may answer to requests for data. `right`: the data come out as they are; `either`: or not at all. */
const ANSWERS: readonly (readonly [string, 'right' | 'error' | 'either', AnswerRule])[] = [
  ['a missing key for a moment', 'right', instead(error(404, 'NoSuchKey'), 'GET', 1)],
  ['a missing key, and goes on doing so', 'error', instead(error(404, 'NoSuchKey'), 'GET HEAD')],
  ['a missing key to GET, not to HEAD', 'error', instead(error(404, 'NoSuchKey'))],
  ['a missing key without a body', 'error', instead({ status: 404 }, 'GET HEAD')],
  ['a range beyond the end', 'error', instead(error(416, 'InvalidRange'))],
  ['a range beyond the end for a moment', 'right', instead(error(416, 'InvalidRange'), 'GET', 1)],
  [
    'a range beyond the end, and a HEAD of no length',
    'error',
    (request, honest) => {
      if (!isData(request)) return honest();
      if (request.method === 'GET') return error(416, 'InvalidRange');
      return header('content-length', '0')(honest(), request);
    },
  ],
  ['no range', 'either', bend(header('content-range', undefined))],
  [
    'a range of unknown length',
    'error',
    bend((answer, request) =>
      header('content-range', `${answer.headers?.['content-range']?.replace(/\d+$/, '*')}`)(answer, request),
    ),
  ],
  ['a range elsewhere', 'error', bend(header('content-range', 'bytes 7-4106/16592'))],
  [
    'an object that is longer',
    'error',
    bend((answer, request) =>
      header('content-range', `${answer.headers?.['content-range']?.replace(/\d+$/, '99999')}`)(answer, request),
    ),
  ],
  [
    'a multipart of ranges',
    'either',
    bend((answer, request) =>
      header('content-type', 'multipart/byteranges; boundary=x')(
        header('content-range', undefined)(answer, request),
        request,
      ),
    ),
  ],
  ['a body that is shorter than it says', 'error', bend(body((bytes) => bytes.subarray(0, bytes.length >> 1)))],
  ['a body that is longer than it says', 'error', bend(body((bytes) => Buffer.concat([bytes, bytes])))],
  ['no body', 'error', bend(empty)],
  ['no content', 'error', instead({ status: 204 })],
  ['success without anything', 'error', instead({ status: 200 })],
  [
    'a page of a proxy',
    'error',
    instead({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in</html>' }),
  ],
  ['zeroes', 'error', bend(zeroes)],
  ['a bit that flipped', 'error', bend(flip)],
  ['a bit that flipped once', 'right', bend(flip, 'GET', 1)],
  ['a packed body', 'error', bend(header('content-encoding', 'gzip'))],
  ['a body said to be as it is', 'right', bend(header('content-encoding', 'identity'))],
  ['no metadata', 'error', bend(header('x-amz-meta-blockyard', undefined), 'GET HEAD')],
  [
    'metadata in capitals',
    'error',
    bend(
      (answer, request) =>
        header('x-amz-meta-blockyard', answer.headers?.['x-amz-meta-blockyard']?.toUpperCase())(answer, request),
      'GET HEAD',
    ),
  ],
  [
    'metadata that are cut',
    'error',
    bend(
      (answer, request) =>
        header('x-amz-meta-blockyard', answer.headers?.['x-amz-meta-blockyard']?.slice(0, -3))(answer, request),
      'GET HEAD',
    ),
  ],
  ['no ETag', 'error', bend(header('etag', undefined), 'GET HEAD')],
  ['not modified', 'error', instead({ status: 304 })],
  ['a redirect', 'error', instead({ status: 307, headers: { location: 'http://127.0.0.1:9/' } })],
];

describe.each(ANSWERS)('where the store answers %s', (_, expected, rule) => {
  test(`reads give ${expected === 'right' ? 'what is there' : 'no other data'}`, async () => {
    const device = await connect();
    used.store.answer = rule;
    for (const [start, count] of [
      [0, 4],
      [1, 1],
      [4, 4],
      [6, 1],
    ] as const) {
      const outcome = await read(device, start, count).catch((thrown: Error) => thrown);
      const contents = CONTENTS.slice(start, start + count);
      // Behind the end of the data an answer may have said all that there is to say.
      const mayBeRight = expected === 'either' || start === 6;
      if (expected === 'right' || (mayBeRight && Array.isArray(outcome))) expect(outcome).toEqual(contents);
      else expect(outcome).toMatchObject({ name: 'BlockError' });
    }
  });

  test('a write of a part destroys nothing', async () => {
    const device = await connect();
    used.store.answer = rule;
    await device.write(1, fill(9)).catch((thrown: unknown) => expect(thrown).toMatchObject({ name: 'BlockError' }));
    await device.write(7, fill(9)).catch((thrown: unknown) => expect(thrown).toMatchObject({ name: 'BlockError' }));
    used.store.answer = (_request, honest) => honest();
    await device.disconnect({ force: true });
    const after = await read(await connect(), 0, SECTORS);
    expect([2, 9]).toContain(after[1]);
    expect([0, 9]).toContain(after[7]);
    expect(after.filter((_value, sector) => sector !== 1 && sector !== 7)).toEqual([1, 3, 4, 5, 6, 0, 0, 0, 0, 0]);
  });
});

test('an ETag that is another one in each answer is an error to writes, and destroys nothing', async () => {
  const device = await connect();
  let number = 0;
  used.store.answer = bend((answer, request) => header('etag', `"${number++}"`)(answer, request), 'GET HEAD');
  await expect(device.write(1, fill(9))).rejects.toMatchObject({ name: 'BlockError' });
  used.store.answer = (_, honest) => honest();
  expect(await read(device, 0, 4)).toEqual([1, 2, 3, 4]);
});

test('sizes in the listing that are not those of the objects change nothing', async () => {
  used.store.answer = (request, honest) => {
    const answer = honest();
    if (request.key !== '' || !request.query.has('list-type')) return answer;
    return { ...answer, body: String(answer.body).replaceAll(/<Size>\d+<\/Size>/g, '<Size>4112</Size>') };
  };
  const device = await connect();
  expect(await read(device, 0, SECTORS)).toEqual(CONTENTS);
  await device.write(1, fill(9));
  expect(await read(device, 0, 4)).toEqual([1, 9, 3, 4]);
});
