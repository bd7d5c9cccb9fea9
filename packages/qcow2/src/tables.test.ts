import { expect, test } from 'vitest';
import { connectQcow2 } from './index.js';
import { buildImage, type ImageSpec } from './testing/build-image.js';
import { contentsOf, holding, pattern } from './testing/devices.js';

const PLAIN: ImageSpec = { clusters: [{ data: pattern(4096, 1) }, 'absent'] };
const SUBCLUSTERS: ImageSpec = {
  clusterBits: 14,
  hasSubclusters: true,
  clusters: [{ data: pattern(16_384, 1), subclusters: 'd'.repeat(31).concat('-') }],
};

/** What a read of all fails with when the first entry of a table, or the word behind it, is this. */
async function failure(spec: ImageSpec, table: 'l1' | 'l2', word: bigint, at = 0): Promise<string> {
  const { bytes, l1Offset, l2Offsets } = buildImage(spec);
  const image = Buffer.from(bytes);
  image.writeBigUInt64BE(word, (table === 'l1' ? l1Offset : (l2Offsets[0] ?? 0)) + at);
  await using device = await connectQcow2(await holding(image));
  return contentsOf(device).then(
    () => 'read',
    ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
  );
}

test('Each entry of a table that cannot be right is told of, with its place', async () => {
  expect(await failure(PLAIN, 'l1', 1n)).toMatch(/^CORRUPT: .*entry 0 of the L1 table has reserved bits/);
  expect(await failure(PLAIN, 'l1', 512n)).toMatch(/^CORRUPT: .*entry 0 of the L1 table: byte 512 does not begin/);
  expect(await failure(PLAIN, 'l1', 1n << 40n)).toMatch(/^CORRUPT: .*L2 table 0 at byte \d+ ends past the \d+ bytes/);
  const entry = 'entry 0 of L2 table 0, at byte \\d+,';
  const l2 = (word: bigint, spec = PLAIN) => failure(spec, 'l2', word);
  expect(await l2(1n << 40n)).toMatch(new RegExp(`^CORRUPT: .*${entry} is of data, which at byte \\d+ ends past`));
  expect(await l2(513n << 9n)).toMatch(new RegExp(`^CORRUPT: .*${entry}: byte \\d+ does not begin with a cluster`));
  expect(await l2(2n)).toMatch(new RegExp(`^CORRUPT: .*${entry} has reserved bits`));
  expect(await l2(1n << 56n)).toMatch(new RegExp(`^CORRUPT: .*${entry} has reserved bits`));
  expect(await l2(1n, { ...PLAIN, version: 2 })).toMatch(new RegExp(`^CORRUPT: .*${entry} has reserved bits`));
  const compressed = (1n << 62n) | (1n << 40n);
  expect(await l2(compressed)).toMatch(new RegExp(`^CORRUPT: .*${entry} is of a compressed cluster, which at byte`));
  expect(await l2((1n << 62n) | 4096n)).toMatch(/^CORRUPT: .*the compressed cluster at byte 4096 is damaged/);
});

test('So are subclusters that contradict each other', async () => {
  const bitmap = (word: bigint) => failure(SUBCLUSTERS, 'l2', word, 8);
  expect(await bitmap(0xffffn)).toBe('read');
  expect(await bitmap((1n << 32n) | 1n)).toMatch(/has subclusters that are data and zero at once/);
  expect(await failure(SUBCLUSTERS, 'l2', 0n)).toMatch(/has subclusters that are data and nowhere/);
  expect(await failure(SUBCLUSTERS, 'l2', 1n << 62n)).toMatch(/is of a compressed cluster with subclusters/);
});
