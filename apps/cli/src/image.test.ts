import { readFile, writeFile } from 'node:fs/promises';
import { startLocalS3 } from '@blockyard/local-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockyard, makeFolder, runHere, serve } from './testing/cli.js';
import { havePrograms, runProgram } from './testing/programs.js';

const MIB = 2 ** 20;

let folder: Awaited<ReturnType<typeof makeFolder>>;
/** A disk with a partition's worth of data at either end of a hole. */
const disk = Buffer.alloc(16 * MIB);

beforeAll(async () => {
  folder = await makeFolder();
  disk.fill('beginning', 0, 2 * MIB).fill('end', 15 * MIB);
});
afterAll(() => folder.remove());

describe.runIf(havePrograms(['qemu-img', 'nbdinfo']))('An image as it is published', () => {
  let image: string;
  beforeAll(async () => {
    await writeFile(folder.in('disk.raw'), disk);
    await runProgram('qemu-img', 'convert', '-c', '-O', 'qcow2', folder.in('disk.raw'), folder.in('cloud.qcow2'));
    image = `file:${folder.in('cloud.qcow2')}?format=qcow2`;
  });

  test('is copied to a volume in S3, which gets no holes', async () => {
    const store = await startLocalS3();
    const { accessKeyId, secretAccessKey } = store.credentials;
    const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const volume = `s3://${store.bucket}/web-1?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
    try {
      expect(await blockyard(['copy', image, volume, '--create', '--verify'], { env })).toMatchObject({ code: 0 });
      const { stdout } = await blockyard(['info', volume, '--json'], { env });
      expect(JSON.parse(stdout)).toMatchObject({ sizeBytes: 16 * MIB, space: { objects: 3 } });
      expect(await blockyard(['copy', volume, `file:${folder.in('back.raw')}`, '--create'], { env })).toMatchObject({
        code: 0,
      });
    } finally {
      await store.stop();
    }
    expect(disk.equals(await readFile(folder.in('back.raw')))).toBe(true);
  });

  test('is served, for reading, with its holes', async () => {
    const { line, child, ended } = await serve([image, '--nbd', `unix:${folder.in('nbd.sock')}`]);
    const [uri = ''] = line.split('\n');
    const { exports } = JSON.parse(await runProgram('nbdinfo', '--json', uri));
    expect(exports[0]).toMatchObject({ 'export-size': 16 * MIB, is_read_only: true });
    const map: { offset: number; length: number; type: number }[] = JSON.parse(
      await runProgram('nbdinfo', '--json', '--map', uri),
    );
    expect(map.filter(({ type }) => type !== 0)).toMatchObject([{ offset: 2 * MIB, length: 13 * MIB }]);
    await runProgram('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', uri, folder.in('served.raw'));
    expect(disk.equals(await readFile(folder.in('served.raw')))).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('is told of: format, sizes, backing files', async () => {
    const { stdout } = await runHere(['info', image]);
    expect(stdout).toMatch(/image +qcow2, version 3, clusters of 64 KiB, zlib where compressed/);
    expect(stdout).toMatch(/backing files +none/);
    await runProgram('qemu-img', 'create', '-f', 'qcow2', '-F', 'qcow2', '-b', 'cloud.qcow2', folder.in('over.qcow2'));
    const over = `file:${folder.in('over.qcow2')}?format=qcow2`;
    const told = await runHere(['info', `${over}&backing=true`, '--json']);
    expect(JSON.parse(told.stdout)).toMatchObject({
      sizeBytes: 16 * MIB,
      image: { backing: { name: 'cloud.qcow2', format: 'qcow2', image: { backing: null } } },
    });
    const refused = await runHere(['info', over]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('needs the backing file "cloud.qcow2", which ?backing=true follows');
  });
});
