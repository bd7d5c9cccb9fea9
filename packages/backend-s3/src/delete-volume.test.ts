import { randomInt } from 'node:crypto';
import { isBlockError } from '@blockyard/block';
import type { StoreAnswer, StoreRequest } from '@blockyard/local-s3';
import { expect, test } from 'vitest';
import { type ConnectS3Options, connectS3, createVolume, deleteVolume } from './index.js';
import { isBatchDelete, useOddStore } from './testing/odd.js';

const SECTOR = 4096;
const SECTORS = 8;
const ROOT = 'disks/a/volume.json';
/** More requests than a deletion makes. */
const REQUESTS_MAX = 100;

/** Whether each request is met in both ways. Otherwise every other one was carried out, and chance says which. */
const IS_THOROUGH = process.env.BLOCKYARD_THOROUGH === '1';

const used = useOddStore();
const once = () => ({ ...used.at, maxAttempts: 1, maxOutageMs: 0 });
const sector = (value: number) => [new Uint8Array(SECTOR).fill(value)];

/** A volume of eight objects, as a writer leaves it that died: its root does not say how many objects there are. */
async function fillVolume(): Promise<void> {
  await createVolume({ ...used.at, sizeSectors: SECTORS, sectorSize: SECTOR, objectSizeBytes: SECTOR });
  const device = await connectS3(used.at);
  for (let at = 0; at < SECTORS; at++) await device.write(at, sector(at + 1));
  await device.flush();
  await device.disconnect({ force: true });
}

/** First byte of each sector. */
async function contents(options: Partial<ConnectS3Options> = {}): Promise<number[]> {
  const device = await connectS3({ ...used.at, readOnly: true, ...options });
  const buffer = new Uint8Array(SECTORS * SECTOR);
  await device.read(0, [buffer]);
  await device.disconnect();
  return Array.from({ length: SECTORS }, (_, at) => buffer[at * SECTOR] ?? 0);
}

const WHOLE = [1, 2, 3, 4, 5, 6, 7, 8];

async function codeOf(task: Promise<unknown>): Promise<string | undefined> {
  const error = await task.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error !== undefined && !isBlockError(error)) throw error;
  return error?.code;
}

/**
 * Lets the process that deletes die at its request of that number, which was carried out or not. Returns what that was, or
 * undefined if there were not so many.
 */
async function dieAt(number: number, isCarriedOut: boolean): Promise<StoreRequest | undefined> {
  const lost: StoreAnswer = { status: 500, body: '' };
  let requests = 0;
  let last: StoreRequest | undefined;
  used.store.answer = (request, honest) => {
    requests++;
    if (requests < number) return honest();
    if (requests > number) return lost;
    last = request;
    if (isCarriedOut) honest();
    return lost;
  };
  const code = await codeOf(deleteVolume(once()));
  used.store.answer = (_, honest) => honest();
  if (last !== undefined) expect(code).toBe('UNAVAILABLE');
  return last;
}

async function dieAtEachRequest(check: (where: string) => Promise<void>): Promise<number> {
  const before = new Map(used.store.objects);
  const first = randomInt(2);
  for (let number = 1; number < REQUESTS_MAX; number++) {
    for (const isCarriedOut of IS_THOROUGH ? [true, false] : [(number + first) % 2 === 0]) {
      used.store.objects.clear();
      for (const [key, object] of before) used.store.objects.set(key, object);
      const died = await dieAt(number, isCarriedOut);
      if (died === undefined) return number - 1;
      await check(
        `request ${number}, ${died.method} ${died.key}, ${isCarriedOut ? 'carried out' : 'which never came'}`,
      );
    }
  }
  throw new Error(`more than ${REQUESTS_MAX} requests`);
}

/** From now on the store deletes no data. */
function refuseDataDeletes(): void {
  used.store.answer = (request, honest) =>
    isBatchDelete(request) && String(request.body).includes('/data/') ? { status: 403, body: '' } : honest();
}

/** What opens is whole; and all of it can be deleted, whatever is left. */
async function checkLeft(where: string): Promise<void> {
  const opened = await contents().catch((error: unknown) => error);
  if (isBlockError(opened)) {
    expect(opened.code, where).toBe('NOT_FOUND');
    if (used.store.objects.has(ROOT)) expect(opened.message, where).toContain('delete it again');
    expect(await codeOf(connectS3(used.at)), where).toBe('NOT_FOUND');
  } else {
    expect(opened, where).toEqual(WHOLE);
  }
  expect([undefined, 'NOT_FOUND'], where).toContain(await codeOf(deleteVolume(used.at)));
  expect([...used.store.objects.keys()], where).toEqual([]);
}

test('a deletion that dies at any request leaves all of the volume, or one that no one opens, to be deleted again', async () => {
  await fillVolume();
  expect(await dieAtEachRequest(checkLeft)).toBeGreaterThan(5);
});

test('a volume of version 1 is given up in the same way', async () => {
  await fillVolume();
  const stored = used.store.objects.get(ROOT);
  if (stored === undefined) throw new Error('there is no root');
  const { format, volumeId, sectorSize, sizeSectors, objectSizeBytes, codec, writerEpoch, changeId } = JSON.parse(
    Buffer.from(stored.body).toString(),
  );
  const old = { format, version: 1, volumeId, sectorSize, sizeSectors, objectSizeBytes, codec, writerEpoch, changeId };
  used.store.objects.set(ROOT, { ...stored, body: Buffer.from(JSON.stringify(old)) });
  expect(await contents()).toEqual(WHOLE);
  refuseDataDeletes();
  expect(await codeOf(deleteVolume(once()))).toBe('ACCESS_DENIED');
  used.store.answer = (_, honest) => honest();
  expect(JSON.parse(Buffer.from(used.store.objects.get(ROOT)?.body ?? '').toString())).toMatchObject({
    isDeleted: true,
  });
  await checkLeft('refused');
});

test('the writer whose volume is being deleted is fenced, though objects and root are still there', async () => {
  await createVolume({ ...used.at, sizeSectors: SECTORS, sectorSize: SECTOR, objectSizeBytes: SECTOR });
  const device = await connectS3({ ...used.at, leaseMs: 0 });
  await device.write(0, sector(1));
  await device.flush();
  refuseDataDeletes();
  expect(await codeOf(deleteVolume({ ...once(), takeOver: true }))).toBe('ACCESS_DENIED');
  const fenced = await device
    .write(1, sector(2))
    .then(() => device.flush())
    .catch((error: unknown) => error);
  expect(fenced).toMatchObject({ code: 'FENCED', message: expect.stringContaining('to delete it') });
  await device.disconnect({ force: true });
});

test('in a store that is full a volume can be deleted all the same, which makes room', async () => {
  await fillVolume();
  const full = '<Error><Code>QuotaExceeded</Code></Error>';
  used.store.answer = ({ method }, honest) => (method === 'PUT' ? { status: 403, body: full } : honest());
  await deleteVolume(once());
  expect([...used.store.objects.keys()]).toEqual([]);
});

test('what is deleted again is not marked again', async () => {
  await fillVolume();
  refuseDataDeletes();
  expect(await codeOf(deleteVolume(once()))).toBe('ACCESS_DENIED');
  used.store.answer = (_, honest) => honest();
  used.store.requests.length = 0;
  await deleteVolume(used.at);
  expect(used.store.requests.filter(({ method }) => method === 'PUT')).toEqual([]);
});
