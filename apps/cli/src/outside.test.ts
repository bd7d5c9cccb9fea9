import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockyard, makeFolder, type Serving, serve } from './testing/cli.js';
import { havePrograms, runProgram } from './testing/programs.js';

/** What `blockyard serve` makes of each kind of device, with a cache that is much smaller, as the programs of others see it. */

const MIB = 2 ** 20;
const SIZE_BYTES = 24 * MIB;
const PROGRAMS = ['nbdinfo', 'nbdcopy', 'qemu-img', 'qemu-io', 'fio', 'mke2fs', 'e2fsck'];

let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: LocalS3;
let env: Readonly<Record<string, string>>;
/** Data with holes, and a file that holds it. */
const sample = new Uint8Array(SIZE_BYTES);
let samplePath: string;

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startLocalS3()]);
  env = { AWS_ACCESS_KEY_ID: store.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey };
  for (let at = 0; at < SIZE_BYTES; at += 4 * MIB) sample.subarray(at, at + MIB).fill(1 + at / MIB);
  samplePath = folder.in('sample');
  await writeFile(samplePath, sample);
});
afterAll(() => Promise.all([folder.remove(), store.stop()]));

/** How each device is named. A store takes its time to have small blocks written at random: it gets fewer of them. */
const DEVICES = [
  { name: 'memory', uri: () => `memory:?size=${SIZE_BYTES}`, outlives: false, fioBytes: 16 * MIB },
  { name: 'a file', uri: () => `file:${folder.in('volume')}`, outlives: true, fioBytes: 16 * MIB },
  {
    name: 'a volume in S3',
    uri: () => `s3://${store.bucket}/outside?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`,
    outlives: true,
    fioBytes: 6 * MIB,
  },
];

describe.runIf(havePrograms(PROGRAMS)).each(DEVICES)('$name, served', ({ uri: uriOf, outlives, fioBytes }) => {
  let serving: Serving;
  let uri: string;

  beforeAll(async () => {
    uri = uriOf();
    if (outlives) {
      const chunk = uri.startsWith('s3:') ? ['--chunk', '64K'] : [];
      expect(await blockyard(['create', uri, '--size', String(SIZE_BYTES), ...chunk], { env })).toMatchObject({
        code: 0,
      });
    }
    serving = await serve([uri, '--nbd', `unix:${folder.in('nbd.sock')}`, '--cache', '4M'], { env });
  });
  afterAll(async () => {
    serving.child.kill('SIGKILL');
    await serving.ended;
  });

  async function expectBack(copy: (to: string) => Promise<unknown>, expected: Uint8Array): Promise<void> {
    const path = folder.in('back');
    await writeFile(path, new Uint8Array(SIZE_BYTES).fill(0xee));
    await copy(path);
    expect(Buffer.compare(await readFile(path), expected), 'what comes back is what went there').toBe(0);
  }

  test('tells nbdinfo what it is', async () => {
    const { exports } = JSON.parse(await runProgram('nbdinfo', '--json', serving.line));
    expect(exports[0]).toMatchObject({
      'export-size': SIZE_BYTES,
      can_multi_conn: true,
      can_fua: true,
      can_cache: true,
    });
    expect(exports[0].contexts).toEqual(
      expect.arrayContaining(['base:allocation', 'x-blockyard:dirty', 'x-blockyard:cached']),
    );
    const map = JSON.parse(await runProgram('nbdinfo', '--map', '--json', serving.line));
    expect(map.reduce((sum: number, { length }: { length: number }) => sum + length, 0)).toBe(SIZE_BYTES);
  });

  test('takes a copy by nbdcopy and gives it back', async () => {
    await runProgram('nbdcopy', '--flush', samplePath, serving.line);
    await expectBack((to) => runProgram('nbdcopy', serving.line, to), sample);
  });

  test('takes a copy by qemu-img, compares equal, maps, and gives it back', async () => {
    await runProgram('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', samplePath, serving.line);
    expect(await runProgram('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', samplePath, serving.line)).toMatch(
      /identical/,
    );
    const map = JSON.parse(await runProgram('qemu-img', 'map', '--output=json', '-f', 'raw', serving.line));
    expect(map.at(-1).start + map.at(-1).length).toBe(SIZE_BYTES);
    await expectBack((to) => runProgram('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', serving.line, to), sample);
  });

  test('keeps a qcow2 that qemu-img finds sound', async () => {
    await runProgram('qemu-img', 'create', '-f', 'qcow2', serving.line, '16M');
    const commands = ['write -P 0x5a 1M 4M', 'write -z 2M 1M', 'flush', 'read -P 0x5a 1M 1M', 'read -P 0 2M 1M'];
    await runProgram('qemu-io', '-f', 'qcow2', ...commands.flatMap((each) => ['-c', each]), serving.line);
    expect(await runProgram('qemu-img', 'check', '-f', 'qcow2', serving.line)).toMatch(/No errors were found/);
  });

  test('holds the patterns of qemu-io', async () => {
    const writes = ['write -P 0x11 0 8M', 'write -f -P 0x22 1M 64k', 'write -z 2M 1M', 'discard 6M 64k', 'flush'];
    const reads = ['read -P 0x11 0 1M', 'read -P 0x22 1M 64k', 'read -P 0 2M 1M', 'read -P 0x11 7M 1M'];
    const commands = [...writes, ...reads].flatMap((each) => ['-c', each]);
    expect(await runProgram('qemu-io', '-f', 'raw', ...commands, serving.line)).not.toMatch(/fail|error/i);
  });

  test.each(['randrw', 'rw'])('is verified by fio under %s at depth 32', async (rw) => {
    const load = [`--rw=${rw}`, '--bs=4k', `--size=${fioBytes}`, '--iodepth=32', '--randrepeat=0'];
    const verify = ['--verify=crc32c', '--verify_fatal=1', '--verify_state_save=0'];
    const args = ['--name=verify', '--ioengine=nbd', `--uri=${serving.line}`];
    expect(await runProgram('fio', ...args, ...load, ...verify)).toMatch(/err= 0/);
  });

  test('carries a file system that e2fsck finds sound, and ends clean with all of it behind the cache', async () => {
    const image = folder.in('ext4');
    await mkdir(folder.in('files'), { recursive: true });
    for (let i = 0; i < 20; i++) await writeFile(folder.in(`files/${i}`), sample.subarray(0, 50_000 + i));
    const file = await open(image, 'w');
    await file.truncate(SIZE_BYTES);
    await file.close();
    await runProgram('mke2fs', '-q', '-t', 'ext4', '-d', folder.in('files'), image);
    await runProgram('nbdcopy', image, serving.line);
    await expectBack((to) => runProgram('nbdcopy', serving.line, to), await readFile(image));
    await runProgram('e2fsck', '-f', '-n', folder.in('back'));
    serving.child.kill('SIGTERM');
    expect(await serving.ended).toBe(0);
    if (!outlives) return;
    expect(await blockyard(['compare', uri, `file:${image}`], { env })).toMatchObject({ code: 0 });
  });
});
