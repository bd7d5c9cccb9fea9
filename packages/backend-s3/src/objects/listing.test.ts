import type { BlockDevice } from '@blockyard/block';
import { listingXml, type StoreAnswer, type StoreRequest, xmlAnswer } from '@blockyard/local-s3';
import { afterEach, describe, expect, test } from 'vitest';
import { connectS3, createVolume, deleteVolume } from '../index.js';
import { isListing, useOddStore } from '../testing/odd.js';

/** Times that a page that cannot be true is asked for again, and pages in a row that may have no keys. */
const [PAGE_REPEATS, EMPTY_PAGES] = [3, 1000];
const OBJECTS = 8;
const OBJECT_BYTES = 8192;
const SECTORS = (OBJECTS * OBJECT_BYTES) / 4096;

const used = useOddStore();
const opened: BlockDevice[] = [];
afterEach(async () => {
  used.store.answer = (_, honest) => honest();
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});

/** A listing as the store would give it, in parts. */
interface Honest {
  readonly request: StoreRequest;
  readonly keys: readonly string[];
  readonly xml: string;
}

function partsOf(request: StoreRequest, answer: StoreAnswer): Honest {
  const xml = String(answer.body);
  return { request, xml, keys: [...xml.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = '']) => key) };
}

const page = ({ request }: Honest, keys: readonly string[], next?: string) =>
  listingXml({ bucket: request.bucket, prefix: request.query.get('prefix') ?? '', keys, next }, used.store.objects);

/** Makes a volume of which every object has data, and lets it be. */
async function fillVolume(): Promise<void> {
  await createVolume({ ...used.at, sizeBytes: OBJECTS * OBJECT_BYTES, objectSizeBytes: OBJECT_BYTES });
  const device = await connectS3(used.at);
  await device.write(0, [contents()]);
  await device.disconnect();
}

function contents(): Uint8Array {
  return Uint8Array.from({ length: OBJECTS * OBJECT_BYTES }, (_, position) => 1 + Math.floor(position / OBJECT_BYTES));
}

function bendListings(bend: (honest: Honest) => string | StoreAnswer, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  used.store.answer = (request, honest) => {
    if (!isListing(request) || left-- <= 0) return honest();
    const bent = bend(partsOf(request, honest()));
    return typeof bent === 'string' ? xmlAnswer(bent) : bent;
  };
}

async function openAndRead(readOnly: boolean): Promise<Uint8Array> {
  const device = await connectS3({ ...used.at, readOnly });
  opened.push(device);
  const buffer = new Uint8Array(SECTORS * 4096);
  await device.read(0, [buffer]);
  return buffer;
}

const html = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><body>Log in<br></body></html>' };

/** Each a kind of wrong page, and what it is if it stays. */
const WRONG: readonly (readonly [string, string, (honest: Honest) => string | StoreAnswer])[] = [
  ['has an empty body', 'UNAVAILABLE', () => ({ status: 200, body: '' })],
  ['is the page of a captive portal', 'UNAVAILABLE', () => html],
  ['is HTML that does not say so', 'UNAVAILABLE', () => '<html></html>'],
  ['is plain text', 'UNAVAILABLE', () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' })],
  ['is a list of something else', 'UNAVAILABLE', () => '<ListAllMyBucketsResult></ListAllMyBucketsResult>'],
  ['is an error with the status of success', 'UNAVAILABLE', () => '<Error><Code>InternalError</Code></Error>'],
  ['has no elements', 'UNAVAILABLE', () => '<ListBucketResult></ListBucketResult>'],
  ['does not say if it is complete', 'UNSUPPORTED', ({ xml }) => xml.replace(/<IsTruncated>.*?<\/IsTruncated>/, '')],
  ['says "undefined" instead', 'CORRUPT', (honest) => page(honest, []).replace('>false<', '>undefined<')],
  ['does not count its keys', 'UNSUPPORTED', ({ xml }) => xml.replace(/<KeyCount>.*?<\/KeyCount>/, '')],
  [
    'counts other than it has',
    'CORRUPT',
    ({ xml }) => xml.replace(/<KeyCount>.*?<\/KeyCount>/, '<KeyCount>3</KeyCount>'),
  ],
  ['is empty and well formed', 'CORRUPT', (honest) => page(honest, [])],
  ['is empty and names nothing', 'CORRUPT', (honest) => page(honest, []).replace(/<(Name|Prefix)>.*?<\/\1>/g, '')],
  ['is empty and goes on nowhere', 'CORRUPT', (honest) => page(honest, []).replace('>false<', '>true<')],
  ['is empty and goes on for ever', 'CORRUPT', (honest) => page(honest, [], 'again')],
  ['is cut off after some keys', 'CORRUPT', (honest) => page(honest, honest.keys.slice(0, 5))],
  ['is cut off within its body', 'UNAVAILABLE', ({ xml }) => ({ status: 200, body: xml.slice(0, xml.length >> 1) })],
  [
    'has keys twice',
    'CORRUPT',
    (honest) =>
      page(
        honest,
        honest.keys.flatMap((key) => [key, key]),
      ),
  ],
  ['is not in order', 'UNSUPPORTED', (honest) => page(honest, [...honest.keys].reverse())],
  [
    'has keys of another prefix',
    'CORRUPT',
    (honest) =>
      page(
        honest,
        honest.keys.map((key) => `x${key}`),
      ),
  ],
  ['is of another prefix', 'CORRUPT', ({ xml }) => xml.replace('<Prefix>disks/a/</Prefix>', '<Prefix>disks/</Prefix>')],
  ['is of another bucket', 'CORRUPT', ({ xml }) => xml.replace('<Name>bucket</Name>', '<Name>other</Name>')],
  ['has no ETags', 'UNSUPPORTED', ({ xml }) => xml.replace(/<ETag>.*?<\/ETag>/g, '')],
  ['has no sizes', 'UNSUPPORTED', ({ xml }) => xml.replace(/<Size>.*?<\/Size>/g, '')],
  ['has no keys in its entries', 'CORRUPT', ({ xml }) => xml.replace(/<Key>.*?<\/Key>/g, '')],
  [
    'begins before it should',
    'UNSUPPORTED',
    (honest) => page(honest, [honest.request.query.get('prefix') ?? '', ...honest.keys]),
  ],
];

describe.each(WRONG)('a listing that %s', (_, code, bend) => {
  test('is never taken for an empty volume', async () => {
    await fillVolume();
    bendListings(bend);
    for (const readOnly of [true, false]) await expect(openAndRead(readOnly)).rejects.toMatchObject({ code });
    used.store.answer = (_request, honest) => honest();
    expect(await openAndRead(false)).toEqual(contents());
  });

  test('does not make room for a new volume', async () => {
    await fillVolume();
    used.store.objects.delete('disks/a/volume.json');
    bendListings(bend);
    await expect(createVolume({ ...used.at, sizeBytes: 1 << 20 })).rejects.toMatchObject({ code });
    expect(used.store.objects.size).toBe(OBJECTS);
  });

  test('does not let a deletion end before all is deleted', async () => {
    await fillVolume();
    bendListings(bend);
    await expect(deleteVolume(used.at)).rejects.toMatchObject({ code });
    expect(used.store.objects.has('disks/a/volume.json')).toBe(true);
    used.store.answer = (_request, honest) => honest();
    await deleteVolume(used.at);
    expect(used.store.objects.size).toBe(0);
  });
});

/** The SDK's own retries are off here. */
const REPEATED = WRONG.filter(([name]) => !/portal|plain|success|within its body/.test(name));

test.each(REPEATED)('a listing that %s once is asked for again', async (_, __, bend) => {
  await fillVolume();
  bendListings(bend, 1);
  expect(await openAndRead(true)).toEqual(contents());
});

/** Where no one has counted the objects there is a second listing, in pages of another size. */
const isFirstListing = (request: StoreRequest) => isListing(request) && request.query.get('max-keys') === '1000';

test('a page is asked for again a few times, not for ever', async () => {
  await fillVolume();
  used.store.requests.length = 0;
  bendListings((honest) => page(honest, []));
  await expect(openAndRead(true)).rejects.toMatchObject({ code: 'CORRUPT' });
  expect(used.store.requests.filter(isFirstListing)).toHaveLength(1 + PAGE_REPEATS);
});

/** Lists in pages of at most `size` keys after the token, or the key to start after. */
function inPages(size: number, token: (key: string) => string | undefined): void {
  bendListings(({ request, ...honest }) => {
    const from = request.query.get('continuation-token')?.slice('token:'.length);
    const after = from ?? request.query.get('start-after') ?? '';
    const prefix = request.query.get('prefix') ?? '';
    const keys = [...used.store.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const next = keys.length > size ? (keys[size - 1] ?? after) : undefined;
    const xml = page({ request, ...honest }, keys.slice(0, size), next === undefined ? undefined : `token:${next}`);
    return next === undefined || token(next) !== undefined
      ? xml
      : xml.replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '');
  });
}

test('a listing goes on by its tokens, and after its last key where it has none', async () => {
  await fillVolume();
  used.store.requests.length = 0;
  inPages(3, (key) => key);
  expect(await openAndRead(true)).toEqual(contents());
  const asked = used.store.requests.filter(isFirstListing).map(({ query }) => [...query.keys()]);
  expect(asked.map((names) => names.includes('continuation-token'))).toEqual([false, true, true]);
  inPages(3, () => undefined);
  expect(await openAndRead(true)).toEqual(contents());
});

test('empty pages that go on are gone through, up to a bound', async () => {
  await fillVolume();
  let empty = 5;
  bendListings((honest) => {
    if (!isFirstListing(honest.request)) return honest.xml;
    if (empty-- > 0) return page(honest, [], `token ${empty}`);
    const after = honest.request.query.get('continuation-token') === null ? '' : 'disks/a/data/';
    return page(honest, [...used.store.objects.keys()].filter((key) => key > after).sort());
  });
  expect(await openAndRead(true)).toEqual(contents());
  empty = 2 * EMPTY_PAGES;
  await expect(openAndRead(true)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
