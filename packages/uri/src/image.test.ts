import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectUri, createUri } from './index.js';
import { DISK_BYTES, image } from './testing/image.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'uri-image-'));
  await mkdir(join(folder, 'below'));
  const files: Readonly<Record<string, Buffer>> = {
    'disk.qcow2': image({ fill: 7 }),
    'top.qcow2': image({ backing: 'below/middle 100%.qcow2' }),
    'below/middle 100%.qcow2': image({ backing: 'raw.img', format: 'raw' }),
    'below/raw.img': Buffer.alloc(DISK_BYTES, 9),
    'circle.qcow2': image({ backing: 'below/circle.qcow2' }),
    'below/circle.qcow2': image({ backing: '../circle.qcow2' }),
    'away.qcow2': image({ backing: 'nbd://192.0.2.1/x', format: 'raw' }),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const uri = (name: string, query: string) => `file:${folder}/${name}?${query}`;

async function firstByte(text: string, options = {}): Promise<number | undefined> {
  await using device = await connectUri(text, options);
  const sector = new Uint8Array(device.info.sectorSize);
  await device.read(0, [sector]);
  return sector[0];
}

describe('A URI with ?format=qcow2', () => {
  test('is the disk in the image, read-only, with what there is to tell of it', async () => {
    await using device = await connectUri(uri('disk.qcow2', 'format=qcow2'));
    expect(device.info).toMatchObject({ readOnly: true, sizeSectors: 8, sectorSize: 512 });
    expect(device.image).toMatchObject({ version: 2, sizeBytes: DISK_BYTES, backing: null });
    expect(device.durability).toEqual({ write: 'memory', flush: 'local' });
    expect(await device.extents(0, 8)).toEqual([
      { start: 0, count: 1, type: 'data' },
      { start: 1, count: 7, type: 'zero' },
    ]);
    await expect(device.write(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'READ_ONLY' });
  });

  test('has sectors of the size that the URI says, and a cache on request', async () => {
    const text = uri('disk.qcow2', 'format=qcow2&sector=4096');
    await using device = await connectUri(text, { cacheSizeBytes: 2 ** 20 });
    expect(device.info).toMatchObject({ sectorSize: 4096, sizeSectors: 1 });
    expect(device.image?.version).toBe(2);
    expect(await firstByte(text)).toBe(7);
  });

  test('reads an image that lies on a volume in a store', async () => {
    const volume = `dir:${folder}/store/images/debian`;
    await createUri(volume, { sizeBytes: 8192 });
    await using device = await connectUri(volume);
    const bytes = Buffer.alloc(8192);
    image({ fill: 7 }).copy(bytes);
    await device.write(0, [bytes]);
    await device.disconnect();
    expect(await firstByte(`${volume}?format=qcow2`)).toBe(7);
  });

  test('follows backing files where it says so, each from where the image lies that names it', async () => {
    expect(await firstByte(uri('top.qcow2', 'format=qcow2&backing=true'))).toBe(9);
    await using device = await connectUri(uri('top.qcow2', 'format=qcow2&backing=true'));
    expect(device.image?.backing).toMatchObject({
      name: 'below/middle 100%.qcow2',
      image: { backing: { name: 'raw.img', format: 'raw', image: null } },
    });
  });

  test('refuses backing files where it does not, and says what would follow them', async () => {
    await expect(connectUri(uri('top.qcow2', 'format=qcow2'))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/"below\/middle 100%\.qcow2", which \?backing=true follows/),
    });
  });

  test('refuses backing files in a circle, and those that are no files, and leaves nothing open', async () => {
    await expect(connectUri(uri('circle.qcow2', 'format=qcow2&backing=true'))).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/in a circle: "..\/circle.qcow2"/),
    });
    await expect(connectUri(uri('away.qcow2', 'format=qcow2&backing=true'))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/"nbd:\/\/192.0.2.1\/x" is not opened: only a path/),
    });
    // A lock that was left would keep a writer out.
    await (await connectUri(`file:${folder}/below/circle.qcow2`)).disconnect();
    await (await connectUri(`file:${folder}/circle.qcow2`)).disconnect();
  });

  test('cannot be created, and its parameters make no sense without it', async () => {
    const made = createUri(uri('new.qcow2', 'format=qcow2'), { sizeBytes: 4096 });
    await expect(made).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringMatching(/only read/) });
    for (const query of ['snapshot=a', 'backing=true', 'format=vmdk', 'format=qcow2&backing=1']) {
      await expect(connectUri(uri('disk.qcow2', query))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    await expect(connectUri(uri('disk.qcow2', 'format=qcow2&snapshot=x'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('What a disk holds is never taken for an image unless the URI says so', async () => {
  await using device = await connectUri(`file:${folder}/disk.qcow2`);
  expect(device.image).toBeUndefined();
  const sector = new Uint8Array(512);
  await device.read(0, [sector]);
  expect(Buffer.from(sector).toString('latin1', 0, 3)).toBe('QFI');
});
