import { writeFile } from 'node:fs/promises';
import { connectMemory } from '@blockyard/backend-memory';
import { withFaults } from '@blockyard/layers';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { serveNbd } from '@blockyard/nbd';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockyard, makeFolder, runHere } from './testing/cli.js';

const MIB = 2 ** 20;
let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: LocalS3;

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startLocalS3()]);
});
afterAll(() => Promise.all([folder.remove(), store.stop()]));

test('a file goes to a volume in S3 and comes back the same', async () => {
  const { accessKeyId, secretAccessKey } = store.credentials;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const volume = `s3://${store.bucket}/disk?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
  const contents = new Uint8Array(4 * MIB);
  contents.fill(0x5a, MIB, 2 * MIB);
  await writeFile(folder.in('disk.img'), contents);
  const file = `file:${folder.in('disk.img')}`;
  const created = await blockyard(['copy', file, volume, '--create', '--verify', '--json'], { env });
  expect(created.stderr).not.toContain('error');
  expect(JSON.parse(created.stdout)).toMatchObject({ copiedBytes: MIB, zeroBytes: 3 * MIB, verified: true });
  const map = await blockyard(['map', volume, '--json'], { env });
  expect(JSON.parse(map.stdout).map(({ type }: { type: string }) => type)).toEqual(['zero', 'data', 'zero']);
  expect(await blockyard(['compare', volume, file], { env })).toMatchObject({ code: 0 });
  expect(await blockyard(['check', volume], { env })).toMatchObject({
    code: 0,
    stdout: 'read 1 MiB, 3 MiB are zeroes, no fault\n',
  });
});

test('a target that a copy makes has the sectors of its source, and its objects, unless it is told otherwise', async () => {
  const { accessKeyId, secretAccessKey } = store.credentials;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const at = `endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
  const volume = (name: string) => `s3://${store.bucket}/${name}?${at}`;
  const infoOf = async (uri: string) => JSON.parse((await blockyard(['info', uri, '--json'], { env })).stdout);
  await writeFile(folder.in('small.img'), new Uint8Array(1000 * 512).fill(1));
  const file = `file:${folder.in('small.img')}`;
  const copies: readonly [string, string, object][] = [
    [file, volume('like-512'), { sectorSize: 512, sizeSectors: 1000, preferredIoBytes: MIB }],
    [
      file,
      `${volume('like-told')}&sector=1024&chunk=64K`,
      { sectorSize: 1024, sizeSectors: 500, preferredIoBytes: 65_536 },
    ],
    [volume('like-told'), volume('like-told-2'), { sectorSize: 1024, sizeSectors: 500, preferredIoBytes: 65_536 }],
    [
      volume('like-told'),
      `${volume('like-told-3')}&sector=512`,
      { sectorSize: 512, sizeSectors: 1000, preferredIoBytes: 65_536 },
    ],
  ];
  for (const [from, to, expected] of copies) {
    const copied = await blockyard(['copy', from, to, '--create', '--verify'], { env });
    expect(copied).toMatchObject({ code: 0, stdout: expect.stringContaining('verified') });
    expect(await infoOf(to)).toMatchObject(expected);
  }
  const back = await blockyard(['copy', volume('like-told'), `file:${folder.in('back.img')}`, '--create'], { env });
  expect(back.stderr).toContain('the source has sectors of 1024 bytes, the target of 512; ?sector=');
});

test('a bucket that is not there is no reason to create a device', async () => {
  const { accessKeyId, secretAccessKey } = store.credentials;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const at = `?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
  const noBucket = await blockyard(['info', `s3://no-such-bucket/disk${at}`], { env });
  expect(noBucket.code).toBe(1);
  expect(noBucket.stderr).toMatch(/NoSuchBucket.*hint: .*the bucket must be there/);
  expect(noBucket.stderr).not.toContain('blockyard create');
  const noVolume = await blockyard(['info', `s3://${store.bucket}/no-such-disk${at}`], { env });
  expect(noVolume.stderr).toMatch(/no volume here.*hint: .*blockyard create/);
});

test('a check goes on after faults, lists them as narrowly as the device is read best, and fails', async () => {
  const rules = [{ action: 'failBefore', operation: 'read', range: { start: 4096, count: 1 } }] as const;
  const device = withFaults(await connectMemory({ sizeSectors: 8192 }), { rules });
  await device.write(0, [new Uint8Array(4 * MIB).fill(1)]);
  const server = await serveNbd({
    exports: { '': device },
    listen: { path: folder.in('nbd.sock') },
    ownsDevices: true,
  });
  const { code, stdout, stderr } = await runHere(['check', server.uris[''] ?? '', '--json']);
  expect(code).toBe(1);
  const { ok, readBytes, faultyBytes, faults } = JSON.parse(stdout);
  expect({ ok, readBytes, faultyBytes }).toEqual({ ok: false, readBytes: 4 * MIB - 65_536, faultyBytes: 65_536 });
  expect(faults).toEqual([expect.objectContaining({ offsetBytes: 2 * MIB, lengthBytes: 65_536, code: 'IO' })]);
  const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
  expect(error).toMatchObject({ code: 'FAILED', message: '64 KiB could not be read', exitCode: 1 });
  await server.stop({ force: true });
});
