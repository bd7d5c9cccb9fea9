import assert from 'node:assert/strict';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import { type CacheOptions, connectCache } from '@blockyard/cache';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as pem from '../testing/certificates.js';
import { MIB, pattern, type Setup, setUp } from '../testing/serve.js';
import { describeWith, run } from '../testing/tools.js';
import type { ServeOptions } from './options.js';

/** The server as the programs of others see it. */

let folder = '';
const setups: Setup[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nbd-'));
});
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
const file = (name: string) => join(folder, name);

const serve = async (options: Partial<ServeOptions> & { readonly device?: BlockDevice } = {}) => {
  const setup = await setUp(options);
  setups.push(setup);
  return { ...setup, uri: setup.server.uris.disk ?? '' };
};
/** A cache over an empty file of 64 MiB. */
const cachedFile = async (options: CacheOptions) => {
  const path = file('volume');
  return connectCache(await connectFile({ path, create: { sizeSectors: (64 * MIB) / 512 } }), options);
};
/** Data with holes, and a file that holds it. */
const sample = async (sizeBytes: number) => {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 2 * MIB) pattern(MIB, at + 1).copy(bytes, at);
  const path = file('sample');
  await writeFile(path, bytes);
  return { bytes, path };
};

describeWith(['nbdinfo'], 'nbdinfo', () => {
  test('reads what the server tells of an export', async () => {
    const device = await connectMemory({ sizeSectors: 1024, sectorSize: 4096 });
    const { uri } = await serve({ exports: { disk: { device, description: 'a disk of memory' } } });
    const { exports } = JSON.parse((await run('nbdinfo', '--json', uri)).stdout);
    expect(exports[0]).toMatchObject({
      'export-size': 4 * MIB,
      description: 'a disk of memory',
      is_read_only: false,
      can_df: true,
      can_fast_zero: true,
      can_flush: true,
      can_fua: true,
      can_multi_conn: true,
      can_trim: true,
      can_zero: true,
      block_size_minimum: 1,
      block_size_preferred: 65_536,
      block_size_maximum: 32 * MIB,
      contexts: ['base:allocation'],
    });
  });

  test('finds the holes of a sparse file behind a cache, and the data that only the cache has', async ({ skip }) => {
    const device = await cachedFile({ maxSizeBytes: 8 * MIB });
    if (process.platform !== 'linux') return skip('holes are known on Linux alone');
    await device.write((16 * MIB) / 512, [new Uint8Array(MIB).fill(1)]);
    await device.flush();
    await device.write((48 * MIB) / 512, [new Uint8Array(MIB).fill(2)]);
    const { uri } = await serve({ device });
    const extents: { type: number }[] = JSON.parse((await run('nbdinfo', '--map', '--json', uri)).stdout);
    expect(extents.map(({ type, ...range }) => ({ ...range, isHole: type === 3 }))).toMatchObject([
      { offset: 0, length: 16 * MIB, isHole: true },
      { offset: 16 * MIB, length: MIB, isHole: false },
      { offset: 17 * MIB, length: 31 * MIB, isHole: true },
      { offset: 48 * MIB, length: MIB, isHole: false },
      { offset: 49 * MIB, length: 15 * MIB, isHole: true },
    ]);
  });

  test('lists every export', async () => {
    const [one, two] = [await connectMemory({ sizeSectors: 8 }), await connectMemory({ sizeSectors: 16 })];
    const { server } = await serve({ exports: { one, 'zwei ü': { device: two, readOnly: true } } });
    const base = (server.uris.one ?? '').replace('/one', '/');
    const { exports } = JSON.parse((await run('nbdinfo', '--list', '--json', base)).stdout);
    const found = exports.map((entry: Record<string, unknown>) => [
      entry['export-name'],
      entry['export-size'],
      entry.is_read_only,
    ]);
    assert.deepEqual(found, [
      ['one', 4096, false],
      ['zwei ü', 8192, true],
    ]);
  });

  test('maps data and holes, also those that only the cache knows', async () => {
    const device = await connectCache(await connectMemory({ sizeSectors: (64 * MIB) / 512 }));
    const { uri } = await serve({ device });
    await device.write(2048, [pattern(MIB)]);
    const map = async (name: string) => JSON.parse((await run('nbdinfo', `--map=${name}`, '--json', uri)).stdout);
    const types = (await map('base:allocation')).map((run: { offset: number; type: number }) => [run.offset, run.type]);
    assert.deepEqual(types, [
      [0, 3],
      [MIB, 0],
      [2 * MIB, 3],
    ]);
    assert.deepEqual(
      (await map('x-blockyard:dirty')).map((run: { length: number; type: number }) => [run.length, run.type]),
      [
        [MIB, 0],
        [MIB, 1],
        [62 * MIB, 0],
      ],
    );
    await device.flush();
    assert.equal((await map('x-blockyard:dirty')).length, 1);
    assert.equal((await map('x-blockyard:cached')).length, 3);
  });
});

describeWith(['nbdinfo', 'qemu-img'], 'TLS', () => {
  const tls = { cert: pem.SERVER_CERT, key: pem.SERVER_KEY, ca: pem.CA };
  const writeCertificates = async () => {
    await writeFile(file('ca-cert.pem'), pem.CA);
    await writeFile(file('client-cert.pem'), pem.CLIENT_CERT);
    await writeFile(file('client-key.pem'), pem.CLIENT_KEY);
  };

  test('with certificates works for libnbd and qemu', async () => {
    await writeCertificates();
    const { server } = await serve({ tls, listen: { port: 0 } });
    assert.ok('port' in server.address);
    const { port } = server.address;
    const info = await run('nbdinfo', `nbds://localhost:${port}/disk?tls-certificates=${folder}`);
    assert.match(info.stdout, /protocol: newstyle-fixed with TLS, using structured packets/);
    const creds = `tls-creds-x509,id=t,endpoint=client,dir=${folder}`;
    const image = `driver=nbd,host=localhost,port=${port},export=disk,tls-creds=t`;
    const { stdout } = await run('qemu-img', 'info', '--object', creds, '--image-opts', image);
    assert.match(stdout, /virtual size: 64 MiB/);
    await assert.rejects(run('nbdinfo', `nbd://localhost:${port}/disk`));
  });

  test('with a pre-shared key works for libnbd and qemu', async () => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    await writeFile(file('keys.psk'), `alice:${key.toString('hex')}\n`);
    const { server } = await serve({ tls: { psk: { alice: key } } });
    const uri = `${(server.uris.disk ?? '').replace('///', '//alice@/')}&tls-psk-file=${file('keys.psk')}`;
    assert.match((await run('nbdinfo', uri)).stdout, /with TLS/);
    assert.ok('path' in server.address);
    const creds = `tls-creds-psk,id=t,endpoint=client,dir=${folder},username=alice`;
    const image = `driver=nbd,server.type=unix,server.path=${server.address.path},export=disk,tls-creds=t`;
    const { stdout } = await run('qemu-img', 'info', '--object', creds, '--image-opts', image);
    assert.match(stdout, /virtual size: 64 MiB/);
  });
});

describeWith(['nbdinfo', 'qemu-img'], 'TLS', () => {
  test.each([
    ['', {}],
    [' that clients have to show too', { ca: pem.CA }],
  ])('with a pre-shared key beside certificates%s works for libnbd and qemu, with either', async (_, ca) => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    await writeFile(file('keys.psk'), `alice:${key.toString('hex')}\n`);
    await writeFile(file('ca-cert.pem'), pem.CA);
    await writeFile(file('client-cert.pem'), pem.CLIENT_CERT);
    await writeFile(file('client-key.pem'), pem.CLIENT_KEY);
    const tls = { cert: pem.SERVER_CERT, key: pem.SERVER_KEY, psk: { alice: key }, ...ca };
    const { server } = await serve({ tls, listen: { port: 0 } });
    assert.ok('port' in server.address);
    const at = `localhost:${server.address.port}/disk`;
    assert.match((await run('nbdinfo', `nbds://${at}?tls-certificates=${folder}`)).stdout, /with TLS/);
    assert.match((await run('nbdinfo', `nbds://alice@${at}?tls-psk-file=${file('keys.psk')}`)).stdout, /with TLS/);
    const image = `driver=nbd,host=localhost,port=${server.address.port},export=disk,tls-creds=t`;
    for (const creds of ['tls-creds-x509', 'tls-creds-psk,username=alice']) {
      const object = `${creds},id=t,endpoint=client,dir=${folder}`;
      const { stdout } = await run('qemu-img', 'info', '--object', object, '--image-opts', image);
      assert.match(stdout, /virtual size: 64 MiB/);
    }
    await assert.rejects(run('nbdinfo', `nbds://bob@${at}?tls-psk-file=${file('keys.psk')}`));
  });
});

describeWith(['nbdcopy'], 'nbdcopy', () => {
  test.each([
    ['memory', () => connectMemory({ sizeSectors: (64 * MIB) / 512 })],
    ['a cache over a file', () => cachedFile({ maxSizeBytes: 8 * MIB })],
  ])('takes data there and back over several connections: %s', async (_, connect) => {
    const { uri } = await serve({ device: await connect() });
    const { bytes, path } = await sample(64 * MIB);
    await run('nbdcopy', '--connections=4', '--requests=32', path, uri);
    await run('nbdcopy', '--connections=4', '--requests=32', uri, file('back'));
    assert.ok(bytes.equals(await readFile(file('back'))));
  });
});

describeWith(['qemu-img'], 'qemu-img', () => {
  test('converts, compares and maps a raw image', async () => {
    const { uri } = await serve();
    const { bytes, path } = await sample(64 * MIB);
    await run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', path, uri);
    assert.match((await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', path, uri)).stdout, /identical/);
    const map = JSON.parse((await run('qemu-img', 'map', '--output=json', '-f', 'raw', uri)).stdout);
    const zeroBytes = map.reduce(
      (sum: number, run: { zero: boolean; length: number }) => sum + (run.zero ? run.length : 0),
      0,
    );
    assert.equal(zeroBytes, 32 * MIB);
    await run('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', uri, file('back'));
    assert.ok(bytes.equals(await readFile(file('back'))));
  });

  test('maps a sparse file of 20 GiB behind a cache as it is, with what only the cache knows', async ({ skip }) => {
    const sizeBytes = 20 * 1024 * MIB;
    const path = file('volume');
    const create = { sizeSectors: sizeBytes / 512 };
    const device = await connectCache(await connectFile({ path, create }), { maxSizeBytes: 8 * MIB });
    if (process.platform !== 'linux') return skip('holes are known on Linux alone');
    const { uri } = await serve({ device });
    const put = (at: number) => device.write(at / 512, [new Uint8Array(MIB).fill(1)]);
    const [dropped, stored, grown] = [MIB, 5000 * MIB, 12_000 * MIB];
    for (const at of [dropped, stored]) await put(at);
    await device.flush();
    await device.discard(dropped / 512, MIB / 512);
    for (const at of [grown, sizeBytes - MIB]) await put(at);

    const map = JSON.parse((await run('qemu-img', 'map', '--output=json', '-f', 'raw', uri)).stdout);
    const data = map.filter(({ data }: { data: boolean }) => data);
    expect(data).toMatchObject([stored, grown, sizeBytes - MIB].map((start) => ({ start, length: MIB, zero: false })));
    const zeroBytes = map.reduce((sum: number, { zero, length }: { zero: boolean; length: number }) => {
      return zero ? sum + length : sum;
    }, 0);
    assert.equal(zeroBytes, sizeBytes - 3 * MIB);
  });

  test('keeps a qcow2 on it that stays sound', async () => {
    const { uri } = await serve({ device: await cachedFile({ maxSizeBytes: 8 * MIB }) });
    const { path } = await sample(32 * MIB);
    await run('qemu-img', 'create', '-f', 'qcow2', uri, '32M');
    await run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'qcow2', path, uri);
    assert.match((await run('qemu-img', 'check', '-f', 'qcow2', uri)).stdout, /No errors were found/);
    assert.match((await run('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', path, uri)).stdout, /identical/);
  });
});

describeWith(['qemu-io'], 'qemu-io', () => {
  const io = async (uri: string, ...commands: readonly string[]) => {
    const { stdout } = await run('qemu-io', '-f', 'raw', ...commands.flatMap((command) => ['-c', command]), uri);
    assert.doesNotMatch(stdout, /fail|error/i);
    return stdout;
  };

  test.each([512, 4096, 65_536])('patterns hold, with sectors of %i bytes', async (sectorSize) => {
    const device = await connectMemory({ sizeSectors: (64 * MIB) / sectorSize, sectorSize });
    const { uri } = await serve({ device });
    await io(
      uri,
      'write -P 0x11 0 8M',
      'write -f -P 0x22 1M 64k',
      'write -z 2M 1M',
      'write -z -u 4M 1M',
      'discard 6M 64k',
      'flush',
      'aio_write -P 0x33 7M 64k',
      'aio_write -P 0x44 7232k 64k',
      'aio_flush',
      'read -P 0x11 0 1M',
      'read -P 0x22 1M 64k',
      'read -P 0x11 1088k 960k',
      'read -P 0 2M 1M',
      'read -P 0x11 3M 1M',
      'read -P 0 4M 1M',
      'read -P 0x33 7M 64k',
      'read -P 0x44 7232k 64k',
      'read -P 0x11 7296k 896k',
    );
  });

  test.each([512, 4096, 65_536])('any alignment is served, with sectors of %i bytes', async (sectorSize) => {
    const device = await connectMemory({ sizeSectors: (64 * MIB) / sectorSize, sectorSize });
    const { uri } = await serve({ device });
    await io(
      uri,
      'write -P 0x11 0 1M',
      'write -P 0x22 1 1',
      'write -P 0x33 4095 2',
      'write -f -P 0x44 65000 70001',
      'write -z 300001 200003',
      'write -z 513 3',
      'aio_write -P 0x55 800001 5',
      'aio_write -P 0x66 800006 7',
      'aio_flush',
      'discard 900001 70007',
      'flush',
      'read -P 0x11 0 1',
      'read -P 0x22 1 1',
      'read -P 0x11 2 511',
      'read -P 0 513 3',
      'read -P 0x11 516 3579',
      'read -P 0x33 4095 2',
      'read -P 0x11 4097 60903',
      'read -P 0x44 65000 70001',
      'read -P 0x11 135001 165000',
      'read -P 0 300001 200003',
      'read -P 0x11 500004 299997',
      'read -P 0x55 800001 5',
      'read -P 0x66 800006 7',
      'read -P 0x11 800013 99988',
      'read -P 0x11 970008 78568',
    );
  });

  test('a read-only export is not written', async () => {
    const { uri } = await serve({
      exports: { disk: { device: await connectMemory({ sizeSectors: 8 }), readOnly: true } },
    });
    await assert.rejects(run('qemu-io', '-f', 'raw', '-c', 'write 0 512', uri));
  });
});

describeWith(['nbdsh'], 'libnbd', () => {
  test('reads, writes, zeroes and asks for the status of bytes anywhere', async () => {
    const device = await connectMemory({ sizeSectors: 4, sectorSize: 65_536 });
    const { uri } = await serve({ device });
    const script = [
      'h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)',
      'h.connect_uri(uri)',
      'assert h.get_block_size(nbd.SIZE_MINIMUM) == 1',
      'h.pwrite(b"abcdefg", 65533, nbd.CMD_FLAG_FUA)',
      'h.zero(2, 65535)',
      'h.trim(100, 1000)',
      'assert h.pread(9, 65532) == b"\\0ab\\0\\0efg\\0", h.pread(9, 65532)',
      'found = []',
      'h.block_status(100001, 65537, lambda name, at, extents, error: found.extend([at] + extents))',
      'assert found == [65537, 65535, 0, 34466, 3], found',
    ];
    await run(
      'nbdsh',
      '-c',
      'import nbd',
      '-c',
      `uri = ${JSON.stringify(uri)}`,
      ...script.flatMap((line) => ['-c', line]),
    );
    const found = Buffer.alloc(2 * 65_536);
    await device.read(0, [found]);
    assert.equal(found.toString('latin1', 65_533, 65_540), 'ab\0\0efg');
  });
});

describeWith(['fio'], 'fio', () => {
  test.each([
    ['random writes and reads', 'randrw', '4k'],
    ['sequential ones', 'rw', '64k'],
    ['ones of many sizes', 'randrw', '512-256k'],
  ])('verifies %s at depth 32, through a cache smaller than the volume', async (_, rw, blockSizes) => {
    const { uri } = await serve({ device: await cachedFile({ maxSizeBytes: 8 * MIB }) });
    const [from = '', to = from] = blockSizes.split('-');
    const { stdout } = await run(
      'fio',
      '--name=verify',
      '--ioengine=nbd',
      `--uri=${uri}`,
      `--rw=${rw}`,
      `--bsrange=${from}-${to}`,
      '--size=48M',
      '--iodepth=32',
      '--verify=crc32c',
      '--verify_fatal=1',
      '--randrepeat=0',
    );
    assert.match(stdout, /err= 0/);
    assert.doesNotMatch(stdout, /verify: bad/);
  });
});

describeWith(['mke2fs', 'e2fsck', 'nbdcopy'], 'a file system', () => {
  test('made with mke2fs and taken onto the device is sound there, its files too', async () => {
    const { uri, device } = await serve({ device: await cachedFile({ maxSizeBytes: 8 * MIB }) });
    await mkdir(file('files'));
    for (let i = 0; i < 50; i++) await writeFile(join(folder, 'files', `file-${i}`), pattern(100_000 + i, i));
    const image = await open(file('ext4'), 'w');
    await image.truncate(64 * MIB);
    await image.close();
    await run('mke2fs', '-q', '-t', 'ext4', '-d', file('files'), file('ext4'));
    await run('nbdcopy', file('ext4'), uri);
    await device.flush();
    await run('nbdcopy', uri, file('back'));
    await run('e2fsck', '-f', '-n', file('back'));
    await run('e2fsck', '-f', '-n', file('volume'));
    assert.ok((await readFile(file('ext4'))).equals(await readFile(file('back'))));
  });
});

/** Losses of data known from another server's cache. */
describeWith(['nbdcopy', 'qemu-img', 'fio'], 'what is only in the cache', () => {
  test('a cache far smaller than what was written reads back right after the flush', async () => {
    const { uri } = await serve({ device: await cachedFile({ maxSizeBytes: 2 * MIB }) });
    const { bytes, path } = await sample(64 * MIB);
    await run('nbdcopy', '--flush', path, uri);
    await run('nbdcopy', uri, file('back'));
    assert.ok(bytes.equals(await readFile(file('back'))));
    assert.ok(bytes.equals(await readFile(file('volume'))));
  });

  test('a volume that was never flushed is copied with its data, not with zeroes', async () => {
    const device = await cachedFile({ maxSizeBytes: 256 * MIB, maxDirtyAgeMs: Number.POSITIVE_INFINITY });
    const { uri } = await serve({ device });
    const { bytes, path } = await sample(64 * MIB);
    // Little enough that the cache sees no reason to write it back by itself.
    const written = bytes.subarray(0, 16 * MIB);
    bytes.fill(0, 16 * MIB);
    await writeFile(path, bytes);
    await device.write(0, [written]);
    assert.ok(
      (await readFile(file('volume'))).every((byte) => byte === 0),
      'the file below has nothing of it yet',
    );
    await run('nbdcopy', uri, file('by-nbdcopy'));
    assert.ok(bytes.equals(await readFile(file('by-nbdcopy'))));
    await run('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', uri, file('by-qemu-img'));
    assert.ok(bytes.equals(await readFile(file('by-qemu-img'))));
    assert.match((await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', path, uri)).stdout, /identical/);
  });

  test('zeroes written over data below, and not flushed, are copied as zeroes', async () => {
    const device = await cachedFile({ maxSizeBytes: 32 * MIB, maxDirtyAgeMs: Number.POSITIVE_INFINITY });
    const { uri } = await serve({ device });
    await device.write(0, [pattern(16 * MIB)]);
    await device.flush();
    await device.writeZeroes(0, (8 * MIB) / 512);
    await run('nbdcopy', uri, file('back'));
    const back = await readFile(file('back'));
    assert.ok(back.subarray(0, 8 * MIB).every((byte) => byte === 0));
    assert.ok(back.subarray(8 * MIB, 16 * MIB).equals(pattern(16 * MIB).subarray(8 * MIB)));
  });
});
