import { BlockError } from '@blockyard/block';
import { MemoryStore } from '@blockyard/object-store';
import { beforeEach, expect, test } from 'vitest';
import { Geometry } from '../layout/geometry.js';
import { keysOf } from '../layout/keys.js';
import type { Stamp } from '../layout/stamp.js';
import { DataObjects } from './data-objects.js';
import { ObjectFormat } from './format.js';
import { DISPLACED_MAX, Guard } from './guard.js';
import type { Version } from './version.js';

const VOLUME_ID = '0'.repeat(32);
const OURS = '1'.repeat(32);
const EPOCH = 5;
const [SECTOR, OBJECT_BYTES] = [512, 4096];

let looks: number;
/** What the root says: nothing, if it is ours. */
let rootError: BlockError | undefined;

beforeEach(() => {
  looks = 0;
  rootError = undefined;
});

const format = new ObjectFormat(4096);

function guard(readOnly = false): Guard {
  const root = {
    root: { volumeId: VOLUME_ID, writerEpoch: EPOCH, opening: OURS },
    verify: async () => {
      looks++;
      if (rootError !== undefined) throw rootError;
    },
  };
  const geometry = new Geometry({ sectorSize: SECTOR, objectSizeBytes: OBJECT_BYTES, sizeSectors: 64 });
  const objects = new DataObjects(new MemoryStore(), keysOf('volume'));
  return new Guard({ objects, root, geometry, format }, readOnly);
}

const hex = (number: number) => number.toString(16).padStart(32, '0');

function version(epoch: number, opening: string): Version {
  const stamp: Stamp = {
    volumeId: VOLUME_ID,
    epoch,
    writeId: hex(epoch),
    data: { index: 0, opening, dataBytes: SECTOR },
  };
  return { etag: '"e"', sizeBytes: format.objectBytes(SECTOR), stamp };
}

const versionV1 = (epoch: number, writeId: string): Version => ({
  etag: '"e"',
  sizeBytes: 16 + SECTOR,
  stamp: { volumeId: VOLUME_ID, epoch, writeId },
});

test('what this opening wrote, or one of an earlier epoch, needs no look at the root', async () => {
  const checked = guard();
  await checked.check(0, version(EPOCH, OURS));
  await checked.check(0, version(EPOCH - 1, hex(2)));
  await checked.check(0, versionV1(EPOCH - 1, hex(3)));
  expect(looks).toBe(0);
});

test.each([
  ['of the same epoch', EPOCH],
  ['of a higher epoch', EPOCH + 3],
])('another opening %s is asked about once, if the root is ours', async (_, epoch) => {
  const checked = guard();
  await checked.check(0, version(epoch, hex(2)));
  await checked.check(0, version(epoch, hex(2)));
  expect(looks).toBe(1);
  await checked.check(0, version(epoch, hex(3)));
  expect(looks).toBe(2);
});

test.each(['FENCED', 'UNAVAILABLE'] as const)('a root that says %s is believed, and asked again', async (code) => {
  const checked = guard();
  rootError = new BlockError(code, 'the root');
  await expect(checked.check(0, version(EPOCH, hex(2)))).rejects.toBe(rootError);
  await expect(checked.check(0, version(EPOCH, hex(2)))).rejects.toBe(rootError);
  expect(looks).toBe(2);
});

test('an object of version 1, which names no opening, is asked about for itself', async () => {
  const checked = guard();
  for (const writeId of [hex(1), hex(1), hex(2)]) await checked.check(0, versionV1(EPOCH, writeId));
  expect(looks).toBe(2);
});

test('so many openings are remembered, and the first is asked about again', async () => {
  const checked = guard();
  for (let number = 0; number <= DISPLACED_MAX; number++) await checked.check(0, version(EPOCH, hex(number + 2)));
  looks = 0;
  await checked.check(0, version(EPOCH, hex(DISPLACED_MAX + 2)));
  expect(looks).toBe(0);
  await checked.check(0, version(EPOCH, hex(2)));
  expect(looks).toBe(1);
});

test('a read-only connection asks about no one', async () => {
  await guard(true).check(0, version(EPOCH + 1, hex(2)));
  expect(looks).toBe(0);
});
