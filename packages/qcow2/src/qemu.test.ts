import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { afterAll, expect, test } from 'vitest';
import { type BackingFile, connectQcow2, type Qcow2Options } from './index.js';
import { contentsOf, pattern, zeroSectorsOf } from './testing/devices.js';
import { describeWithQemu, run } from './testing/qemu.js';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qcow2-'));
  folders.push(folder);
  return folder;
}

/** An image with the files below it, found from the image that names them. */
async function open(path: string, options: Qcow2Options = {}) {
  const openBacking = ({ name, through }: BackingFile) => {
    const place = [...through, name].reduce((from, next) => resolve(dirname(from), next), path);
    return connectFile({ path: place, readOnly: true });
  };
  return connectQcow2(await connectFile({ path, readOnly: true }), { openBacking, ...options });
}

/** What is read is what qemu reads, and what is said to be zero is. */
async function expectAsInQemu(folder: string, image: string, options: Qcow2Options = {}): Promise<void> {
  const snapshot = options.snapshot === undefined ? [] : ['-l', options.snapshot];
  await run(folder, 'qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', ...snapshot, image, 'expected.raw');
  const expected = await readFile(join(folder, 'expected.raw'));
  await using device = await open(join(folder, image), options);
  const contents = await contentsOf(device);
  expect(contents.byteLength).toBe(expected.byteLength);
  expect(expected.equals(contents)).toBe(true);
  for (const [sector, isZero] of (await zeroSectorsOf(device)).entries()) {
    if (isZero) expect(contents.subarray(sector * 512, (sector + 1) * 512).every((byte) => byte === 0)).toBe(true);
  }
}

/** Data at both ends, a hole, zeroes over data, what compresses and what does not. */
const WRITES = [
  ['write -P 17 0 100k', 'write -P 33 1M 20k', 'write -z 64k 16k', 'write -P 5 1500k 512', 'write -P 44 2990k 30k'],
].flatMap((list) => list.flatMap((each) => ['-c', each]));

describeWithQemu('An image that qemu made is read as qemu reads it', () => {
  test.each([
    'cluster_size=512',
    'cluster_size=4k,compat=0.10',
    'cluster_size=64k,lazy_refcounts=on,refcount_bits=1',
    'cluster_size=2M',
    'cluster_size=16k,extended_l2=on',
    'cluster_size=2M,extended_l2=on',
    'cluster_size=64k,preallocation=metadata',
    'cluster_size=4k,preallocation=full',
  ])('written to: %s', async (options) => {
    const folder = await temporaryFolder();
    await run(folder, 'qemu-img', 'create', '-q', '-f', 'qcow2', '-o', options, 'a.qcow2', '3145216');
    await run(folder, 'qemu-io', '-f', 'qcow2', ...WRITES, 'a.qcow2');
    await expectAsInQemu(folder, 'a.qcow2');
  });

  test.each([
    'cluster_size=512',
    'cluster_size=64k,compression_type=zlib',
    'cluster_size=64k,compression_type=zstd',
    'cluster_size=2M,compression_type=zstd',
    'cluster_size=32k,extended_l2=on',
  ])('compressed: %s', async (options) => {
    const folder = await temporaryFolder();
    const disk = Buffer.alloc(3 * 2 ** 19);
    disk.set(pattern(200_000, 3), 70_000);
    disk.set(crypto.getRandomValues(new Uint8Array(65_536)), 2 ** 20);
    await writeFile(join(folder, 'disk.raw'), disk);
    await run(folder, 'qemu-img', 'convert', '-c', '-O', 'qcow2', '-o', options, 'disk.raw', 'a.qcow2');
    await expectAsInQemu(folder, 'a.qcow2');
  });

  test('over a chain of images, some of them shorter, of several sizes of clusters', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'base.raw'), pattern(1_000_448, 9));
    const image = (name: string, format: string, below: string, options: string, size: string) =>
      run(folder, 'qemu-img', 'create', '-q', '-f', 'qcow2', '-F', format, '-b', below, '-o', options, name, size);
    await image('one.qcow2', 'raw', 'base.raw', 'cluster_size=4k', '2M');
    await run(folder, 'qemu-io', '-c', 'write -P 1 512k 9k', '-c', 'write -z 100k 50k', 'one.qcow2');
    await image('two.qcow2', 'qcow2', 'one.qcow2', 'cluster_size=64k,extended_l2=on', '900k');
    await run(folder, 'qemu-io', '-c', 'write -P 2 600k 3k', '-c', 'write -z 512k 4k', 'two.qcow2');
    await image('three.qcow2', 'qcow2', 'two.qcow2', 'cluster_size=512,compat=0.10', '3M');
    await run(folder, 'qemu-io', '-c', 'write -P 3 2500k 1k', 'three.qcow2');
    await expectAsInQemu(folder, 'three.qcow2');
    await using device = await open(join(folder, 'three.qcow2'));
    expect(device.image.backing?.image?.backing?.image?.backing).toEqual({
      name: 'base.raw',
      format: 'raw',
      image: null,
    });
  });

  test('as it was in its snapshots, which it lists, and after it was resized', async () => {
    const folder = await temporaryFolder();
    await run(folder, 'qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', 'a.qcow2', '1M');
    await run(folder, 'qemu-io', '-c', 'write -P 1 0 64k', 'a.qcow2');
    await run(folder, 'qemu-img', 'snapshot', '-c', 'first', 'a.qcow2');
    await run(folder, 'qemu-io', '-c', 'write -P 2 32k 64k', 'a.qcow2');
    await run(folder, 'qemu-img', 'snapshot', '-c', 'second one', 'a.qcow2');
    await run(folder, 'qemu-io', '-c', 'discard 0 16k', 'a.qcow2');
    await expectAsInQemu(folder, 'a.qcow2', { snapshot: 'first' });
    await expectAsInQemu(folder, 'a.qcow2', { snapshot: '2' });
    await run(folder, 'qemu-img', 'resize', '-q', 'a.qcow2', '5M');
    await expectAsInQemu(folder, 'a.qcow2');
    await using device = await open(join(folder, 'a.qcow2'), { snapshot: 'second one' });
    expect(device.info.sizeSectors).toBe(2048);
    expect((await device.snapshots()).map(({ id, name, sizeBytes }) => [id, name, sizeBytes])).toEqual([
      ['1', 'first', 2 ** 20],
      ['2', 'second one', 2 ** 20],
    ]);
  });

  test('and what it is not read of is refused, by name', async () => {
    const folder = await temporaryFolder();
    const refused = async (image: string) => {
      const base = await connectFile({ path: join(folder, image), readOnly: true });
      const error: unknown = await connectQcow2(base).catch((reason: unknown) => reason);
      await base.disconnect();
      return error;
    };
    await run(folder, 'qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'data_file=d.raw', 'outside.qcow2', '1M');
    expect(await refused('outside.qcow2')).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/another file/),
    });
    await run(folder, 'qemu-img', 'create', '-q', '-f', 'raw', 'disk.raw', '1M');
    expect(await refused('disk.raw')).toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/no qcow2 image/),
    });
    await run(folder, 'qemu-img', 'create', '-q', '-f', 'qcow2', 'cut.qcow2', '1M');
    await truncate(join(folder, 'cut.qcow2'), 65_536);
    expect(await refused('cut.qcow2')).toMatchObject({ code: 'CORRUPT', message: expect.stringMatching(/ends past/) });
  });
});
