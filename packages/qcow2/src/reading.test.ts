import { ControlledBase } from '@blockyard/conformance/testing';
import { expect, test } from 'vitest';
import { connectQcow2 } from './index.js';
import { buildImage, type ClusterSpec } from './testing/build-image.js';
import { contentsOf, holding, pattern, zeroSectorsOf } from './testing/devices.js';

const CLUSTER = 4096;

/** A device whose reads are counted, with the places that they begin at. */
async function counting(bytes: Uint8Array) {
  const base = await holding(bytes);
  const places: number[] = [];
  const device = Object.create(base, {
    info: { get: () => base.info },
    read: {
      value: (start: number, buffers: readonly Uint8Array[]) => {
        places.push(start * 512);
        return base.read(start, buffers);
      },
    },
    disconnect: { value: () => base.disconnect() },
  });
  return { device, places };
}

test('A range across all kinds of clusters is read into buffers of any sizes', async () => {
  const clusters: ClusterSpec[] = [
    { data: pattern(CLUSTER, 1) },
    'absent',
    { data: pattern(CLUSTER, 2), compressed: true },
    'zero',
    { data: pattern(CLUSTER, 3) },
  ];
  await using device = await connectQcow2(await holding(buildImage({ clusters }).bytes));
  const buffers = [1, 5, 2, 20, 8, 4].map((sectors) => new Uint8Array(sectors * 512).fill(0xee));
  await device.read(0, buffers);
  const expected = Buffer.concat([
    pattern(CLUSTER, 1),
    new Uint8Array(CLUSTER),
    pattern(CLUSTER, 2),
    new Uint8Array(CLUSTER),
    pattern(CLUSTER, 3),
  ]);
  expect(Buffer.concat(buffers).equals(expected)).toBe(true);
  expect(await device.extents(0, 40)).toEqual([
    { start: 0, count: 8, type: 'data' },
    { start: 8, count: 8, type: 'zero' },
    { start: 16, count: 8, type: 'data' },
    { start: 24, count: 8, type: 'zero' },
    { start: 32, count: 8, type: 'data' },
  ]);
});

test.each([
  [512, 4096],
  [4096, 512],
  [4096, 4096],
  [65_536, 1024],
])('Sectors of %i bytes are read from a base with sectors of %i', async (sectorSize, baseSectorSize) => {
  const clusters: ClusterSpec[] = Array.from({ length: 21 }, (_, i) => ({
    data: pattern(512, i),
    compressed: i % 4 === 1,
  }));
  const { bytes } = buildImage({ clusterBits: 9, clusters });
  await using device = await connectQcow2(await holding(bytes, baseSectorSize), { sectorSize });
  const expected = Buffer.alloc(Math.ceil((21 * 512) / sectorSize) * sectorSize);
  for (let i = 0; i < 21; i++) expected.set(pattern(512, i), i * 512);
  expect(device.info).toMatchObject({ sectorSize, readOnly: true });
  expect(expected.equals(await contentsOf(device))).toBe(true);
});

test('Subclusters are data, zero or absent each for itself, also in extents', async () => {
  const data = pattern(16_384, 5);
  const subclusters = 'dz-d'.repeat(8);
  const { bytes } = buildImage({ clusterBits: 14, hasSubclusters: true, clusters: [{ data, subclusters }] });
  await using device = await connectQcow2(await holding(bytes));
  const contents = await contentsOf(device);
  const isZero = await zeroSectorsOf(device);
  for (const [i, letter] of [...subclusters].entries()) {
    const part = contents.subarray(i * 512, (i + 1) * 512);
    expect(part).toEqual(letter === 'd' ? data.subarray(i * 512, (i + 1) * 512) : new Uint8Array(512));
    expect(isZero[i]).toBe(letter !== 'd');
  }
});

test('A cluster is decompressed once for all that read it at once, and for those after', async () => {
  const { bytes, dataOffset } = buildImage({ clusters: [{ data: pattern(CLUSTER, 1), compressed: true }] });
  const { device: base, places } = await counting(bytes);
  await using device = await connectQcow2(base);
  await Promise.all(Array.from({ length: 8 }, (_, i) => device.read(i, [new Uint8Array(512)])));
  await device.read(3, [new Uint8Array(512)]);
  expect(places.filter((place) => place === dataOffset)).toHaveLength(1);
});

test('Tables and clusters are kept within their bounds, and read again beyond', async () => {
  const clusters: ClusterSpec[] = Array.from({ length: 1100 }, (_, i) =>
    i % 512 === 0 ? { data: pattern(CLUSTER, i), compressed: true } : 'absent',
  );
  const { bytes, l2Offsets } = buildImage({ clusters });
  const { device: base, places } = await counting(bytes);
  await using device = await connectQcow2(base, { maxTableBytes: CLUSTER, maxClusterBytes: 0 });
  for (let round = 0; round < 3; round++) {
    for (const cluster of [0, 512, 1024]) {
      const sector = new Uint8Array(512);
      await device.read(cluster * 8, [sector]);
      expect(sector).toEqual(pattern(CLUSTER, cluster).subarray(0, 512));
    }
  }
  expect(places.filter((place) => place === l2Offsets[2])).toHaveLength(3);
});

test('The extents of a large empty disk cost one look at its first table', async () => {
  const { bytes } = buildImage({ clusterBits: 16, clusters: ['absent'] });
  const image = Buffer.concat([bytes, Buffer.alloc(2 ** 20)]);
  // 64 TiB, with a first table of zeroes in the space behind.
  image.writeBigUInt64BE(2n ** 46n, 24);
  image.writeUInt32BE(131_072, 36);
  image.writeBigUInt64BE(BigInt(bytes.byteLength), 40);
  const { device: base, places } = await counting(image);
  await using device = await connectQcow2(base);
  const before = places.length;
  expect(await device.extents(0, device.info.sizeSectors)).toEqual([
    { start: 0, count: device.info.sizeSectors, type: 'zero' },
  ]);
  expect(places.length - before).toBeLessThanOrEqual(16);
});

test('A failure of the base comes out as it is, and what failed is read again', async () => {
  const { bytes } = buildImage({ clusters: [{ data: pattern(CLUSTER, 1) }] });
  const base = new ControlledBase(await holding(bytes));
  await using device = await connectQcow2(base);
  base.fail('read', 'UNAVAILABLE');
  await expect(device.read(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  base.heal();
  await device.read(0, [new Uint8Array(512)]);
});
