import { type BlockDevice, isBlockError } from '@blockyard/block';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectQcow2 } from './index.js';
import { type BuiltImage, buildImage, type ClusterSpec } from './testing/build-image.js';
import { contentsOf, holding, pattern } from './testing/devices.js';
import { naiveContents } from './testing/naive-reader.js';

/** How many images are damaged. */
const RUNS = process.env.BLOCKYARD_THOROUGH === '1' ? 100_000 : 160;

/** Larger disks are not read as a whole: an image may say that it is of any size. */
const DISK_BYTES_MAX = 4 * 2 ** 20;

function imageWith(hasSubclusters: boolean): BuiltImage {
  const clusterBits = hasSubclusters ? 14 : 12;
  const clusterBytes = 2 ** clusterBits;
  const cluster = (i: number): ClusterSpec => {
    const data = pattern(clusterBytes, i);
    if (i % 5 === 0) return 'absent';
    if (i % 5 === 1) return { data, compressed: true };
    if (hasSubclusters && i % 5 === 2) return { data, subclusters: 'dd--zzdz'.repeat(4) };
    return i % 5 === 3 && !hasSubclusters ? 'zero' : { data };
  };
  return buildImage({ clusterBits, hasSubclusters, clusters: Array.from({ length: 40 }, (_, i) => cluster(i)) });
}

/** Notes what is read, so that no read outside of the image is missed. */
function watched(base: BlockDevice): { readonly device: BlockDevice; readonly reads: number[] } {
  const reads: number[] = [];
  const read: BlockDevice['read'] = (start, buffers) => {
    reads.push(start + buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) / base.info.sectorSize);
    return base.read(start, buffers);
  };
  return {
    device: new Proxy(base, { get: (target, name) => (name === 'read' ? read : memberOf(target, name)) }),
    reads,
  };
}

function memberOf(target: BlockDevice, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}

/** What is read of an image, or the code of the refusal. Fails if anything else comes. */
async function outcomeOf(image: Uint8Array): Promise<Uint8Array | 'refused' | 'large'> {
  const base = await holding(image);
  const { device: seen, reads } = watched(base);
  try {
    const device = await connectQcow2(seen);
    if (device.info.sizeSectors * 512 > DISK_BYTES_MAX) return 'large';
    await device.snapshots();
    await device.extents(0, device.info.sizeSectors);
    return await contentsOf(device);
  } catch (error) {
    expect(isBlockError(error, 'CORRUPT') || isBlockError(error, 'UNSUPPORTED'), String(error)).toBe(true);
    return 'refused';
  } finally {
    expect(Math.max(0, ...reads)).toBeLessThanOrEqual(base.info.sizeSectors);
  }
}

/** What the format says; undefined where compressed data are damaged, of which it does not say how much of them counts. */
function expectedOf(image: Uint8Array): Uint8Array | undefined {
  try {
    return naiveContents(image);
  } catch (error) {
    if ((error as { readonly code?: string }).code?.startsWith('Z_') === true) return undefined;
    throw error;
  }
}

describe.each([false, true])('An image that is damaged (with subclusters: %s)', (hasSubclusters) => {
  const { bytes, l1Offset, l2Offsets, dataOffset } = imageWith(hasSubclusters);
  const at = fc.oneof(
    fc.integer({ min: 0, max: 127 }),
    fc.integer({ min: l1Offset, max: l1Offset + 15 }),
    fc.integer({ min: l2Offsets[0] ?? 0, max: (l2Offsets[0] ?? 0) + 40 * (hasSubclusters ? 16 : 8) - 1 }),
    fc.integer({ min: dataOffset, max: bytes.byteLength - 1 }),
  );
  const value = fc.oneof(fc.constantFrom(0, 1, 0x40, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 }));
  const damages = fc.array(fc.tuple(at, value), { minLength: 1, maxLength: 3 });

  test('is refused, or read as the format says', { timeout: 600_000 }, async () => {
    expect(naiveContents(bytes).equals(await contentsOf(await connectQcow2(await holding(bytes))))).toBe(true);
    let refused = 0;
    let read = 0;
    await fc.assert(
      fc.asyncProperty(damages, async (list) => {
        const damaged = Uint8Array.from(bytes);
        for (const [place, byte] of list) damaged[place] = byte;
        const outcome = await outcomeOf(damaged);
        if (outcome === 'refused') refused++;
        if (typeof outcome === 'string') return;
        const expected = expectedOf(damaged);
        if (expected === undefined) return;
        read++;
        expect(Buffer.compare(outcome, expected)).toBe(0);
      }),
      { numRuns: RUNS / 2 },
    );
    // Neither is the exception: all this would prove nothing otherwise.
    expect(refused).toBeGreaterThan(RUNS / 20);
    expect(read).toBeGreaterThan(RUNS / 20);
  });

  test('and cut off anywhere is refused or read as it was', async () => {
    const whole = naiveContents(bytes);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.byteLength / 512 }), async (sectors) => {
        const outcome = await outcomeOf(bytes.subarray(0, sectors * 512));
        if (typeof outcome !== 'string') expect(Buffer.compare(outcome, whole)).toBe(0);
      }),
      { numRuns: RUNS / 10 },
    );
  });
});
