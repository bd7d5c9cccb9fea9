import { expect, test } from 'vitest';
import { connectQcow2 } from './index.js';
import { buildImage, type ImageSpec } from './testing/build-image.js';
import { holding, pattern } from './testing/devices.js';

const SPEC: ImageSpec = { clusters: [{ data: pattern(4096, 1) }, 'absent', 'zero'] };

/** The outcome of opening an image of which a field was overwritten. */
async function opened(place: number, value: bigint, bytes: 4 | 8, spec: ImageSpec = SPEC): Promise<string> {
  const image = Buffer.from(buildImage(spec).bytes);
  if (bytes === 4) image.writeUInt32BE(Number(value), place);
  else image.writeBigUInt64BE(value, place);
  try {
    await (await connectQcow2(await holding(image))).disconnect();
    return 'opened';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code}: ${message.replace('connect on qcow2(memory): ', '')}`;
  }
}

const u32 = (place: number, value: number) => opened(place, BigInt(value), 4);
const u64 = (place: number, value: bigint) => opened(place, value, 8);

test('An image that is as it should be is opened', async () => {
  expect(await u32(4, 3)).toBe('opened');
});

test('Each field of the header that cannot be right is told of', async () => {
  expect(await u32(0, 0x514649fa)).toMatch(/^CORRUPT: this is no qcow2 image/);
  expect(await u32(4, 1)).toMatch(/^UNSUPPORTED: version 1 of qcow2/);
  expect(await u32(4, 4)).toMatch(/^UNSUPPORTED: version 4 of qcow2/);
  expect(await u32(20, 8)).toMatch(/^CORRUPT: clusters of 2\^8 bytes/);
  expect(await u32(20, 22)).toMatch(/^CORRUPT: clusters of 2\^22 bytes/);
  expect(await u64(24, 1000n)).toMatch(/^UNSUPPORTED: a disk of 1000 bytes/);
  expect(await u64(24, 2n ** 53n)).toMatch(/^UNSUPPORTED: the disk has more than/);
  expect(await u64(24, 2n ** 40n)).toMatch(/^CORRUPT: the L1 table has 1 entries, and a disk of .* needs 524288/);
  expect(await u32(32, 1)).toMatch(/^UNSUPPORTED: the image is encrypted \(AES\)/);
  expect(await u32(32, 2)).toMatch(/^UNSUPPORTED: the image is encrypted \(LUKS\)/);
  expect(await u32(32, 3)).toMatch(/^CORRUPT: the image is encrypted by method 3/);
  expect(await u32(36, 0)).toMatch(/^CORRUPT: the L1 table has 0 entries/);
  expect(await u32(36, 1 << 30)).toMatch(/^CORRUPT: the L1 table has 8589934592 bytes, more than/);
  expect(await u64(40, 4097n)).toMatch(/^CORRUPT: the L1 table at byte 4097 does not begin with a cluster/);
  expect(await u64(40, 2n ** 40n)).toMatch(/^CORRUPT: the L1 table at byte .* ends past the \d+ bytes/);
  expect(await u64(48, 1n)).toMatch(/^CORRUPT: the table of counts of references at byte 1 /);
  expect(await u32(56, 0)).toMatch(/^CORRUPT: the image has no counts of references/);
  expect(await u32(56, 1 << 20)).toMatch(/^CORRUPT: the table of counts of references has \d+ bytes, more/);
  expect(await u32(60, 65_537)).toMatch(/^CORRUPT: 65537 snapshots are more than/);
  expect(await u32(60, 1000)).toMatch(/^CORRUPT: the table of snapshots at byte 0 ends past/);
  expect(await u32(96, 7)).toMatch(/^CORRUPT: counts of references of 2\^7 bits/);
  for (const length of [0, 96, 105, 8192]) {
    expect(await u32(100, length)).toMatch(new RegExp(`^CORRUPT: a header of ${length} bytes`));
  }
  expect(await u32(104, 0x0200_0000)).toMatch(/^UNSUPPORTED: compression of type 2/);
  expect(await u32(104, 0x0100_0000)).toMatch(/^CORRUPT: the header and its features disagree/);
  expect(await u64(112, (1n << 32n) | 5000n)).toMatch(/^CORRUPT: the header extension at byte 112 has 5000 bytes/);
  expect(await u64(8, 50n)).toMatch(/^CORRUPT: the backing file's name, 0 bytes at 50,/);
});

test('An image with an incompatible feature that is not known is refused, those that readers need not care for are not', async () => {
  const withBits = (bits: number) => u32(76, bits);
  expect(await withBits(1 << 7)).toMatch(/^UNSUPPORTED: the image has incompatible features that are not known: 7$/);
  expect(await u32(72, 1)).toMatch(/are not known: 32$/);
  expect(await withBits(1 << 2)).toMatch(/^UNSUPPORTED: the data of the image are in another file/);
  expect(await withBits(1 << 3)).toMatch(/^CORRUPT: the header and its features disagree/);
  expect(await withBits(1 << 4)).toMatch(/^CORRUPT: clusters of 4096 bytes are too small for subclusters/);
  expect(await withBits(3)).toBe('opened');
});

test('A feature that is not known is called by the name that the image has for it', async () => {
  const image = Buffer.from(buildImage({ ...SPEC, incompatible: 1 << 9 }).bytes);
  image.writeUInt32BE(0x6803f857, 112);
  image.writeUInt32BE(48, 116);
  image.set([0, 9], 120);
  image.write('time travel', 122);
  await expect(connectQcow2(await holding(image))).rejects.toMatchObject({
    message: expect.stringMatching(/not known: 9 \(time travel\)$/),
  });
});

test('What is no image, however short, is told', async () => {
  for (const length of [0, 1, 71, 104, 512]) {
    const error: unknown = await connectQcow2(await holding(new Uint8Array(length))).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringMatching(/no qcow2 image/) });
  }
});

test('An image that was not closed, or that was found damaged, says so and is read', async () => {
  const device = await connectQcow2(await holding(buildImage({ ...SPEC, incompatible: 3 }).bytes));
  expect(device.image).toMatchObject({ isDirty: true, isMarkedCorrupt: true });
  const sector = new Uint8Array(512);
  await device.read(0, [sector]);
  expect(sector).toEqual(pattern(4096, 1).subarray(0, 512));
});
