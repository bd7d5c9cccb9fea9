import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { isZero } from '@blockyard/block';
import { conformanceCases, runCase, SECTOR_SIZES, type Subject } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { connectQcow2 } from './index.js';
import { buildImage, type ClusterSpec } from './testing/build-image.js';
import { holding } from './testing/devices.js';

const CLUSTER_BITS = 12;
const CLUSTER_BYTES = 2 ** CLUSTER_BITS;

/** One cluster after the other as it is, compressed, and zero in one of two ways where it is zero. */
function imageOf(disk: Uint8Array): Uint8Array {
  const clusters: ClusterSpec[] = [];
  for (let at = 0; at < disk.byteLength; at += CLUSTER_BYTES) {
    const data = disk.subarray(at, at + CLUSTER_BYTES);
    const isEven = clusters.length % 2 === 0;
    if (isZero(data)) clusters.push(isEven ? 'absent' : 'zero');
    else clusters.push({ data, compressed: isEven });
  }
  return buildImage({ clusterBits: CLUSTER_BITS, sizeBytes: disk.byteLength, clusters }).bytes;
}

/** A raw file while it is written, and an image of it when it is opened for reading. */
const subject: Subject = {
  name: 'qcow2',
  persistent: true,
  create: async ({ sectorSize, sizeSectors }) => {
    const folder = await mkdtemp(join(tmpdir(), 'qcow2-'));
    const path = join(folder, 'disk.img');
    await (await connectFile({ path, sectorSize, create: { sizeSectors } })).disconnect();
    return {
      connect: async ({ readOnly = false } = {}) =>
        readOnly
          ? connectQcow2(await holding(imageOf(await readFile(path))), { sectorSize })
          : connectFile({ path, sectorSize }),
      dispose: () => rm(folder, { recursive: true }),
    };
  },
};

/** An image is not written, so that the cases of what is only read are those that it can be put to. */
const cases = conformanceCases().filter(({ needs = [] }) => needs.includes('readOnly'));

describe.each(SECTOR_SIZES)('The kit over an image, in sectors of %i bytes', (sectorSize) => {
  test('has cases', ({ expect }) => expect(cases.length).toBeGreaterThan(3));
  test.each(cases)('$title', (each) => runCase(each, subject, sectorSize));
});
