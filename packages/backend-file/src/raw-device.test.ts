import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isBlockError } from '@blockyard/block';
import { afterEach, describe, test } from 'vitest';
import { connectFile } from './index.js';
import { deviceNumber } from './raw-device.js';
import { temporaryDirectories } from './testing/temporary.js';

const run = promisify(execFile);
const directory = temporaryDirectories();
const SIZE_BYTES = 8 << 20;
const sectors = (count: number, value: number) => new Uint8Array(count * 512).fill(value);

/** Undefined if this machine or user cannot make loop devices. */
async function makeLoopDevice(): Promise<string | undefined> {
  const file = join(await directory(), 'backing.img');
  await writeFile(file, '');
  await truncate(file, SIZE_BYTES);
  try {
    return (await run('losetup', ['--find', '--show', file])).stdout.trim();
  } catch {
    return undefined;
  }
}

let loop: string | undefined;
afterEach(async () => {
  if (loop !== undefined) await run('losetup', ['--detach', loop]);
  loop = undefined;
});

describe('a raw block device', () => {
  test('is read, written, discarded, claimed and refuses to be resized', async ({ skip }) => {
    loop = await makeLoopDevice();
    if (loop === undefined) return skip('losetup is not there or not allowed: needs Linux and root');
    const device = await connectFile({ path: loop });
    assert.equal(device.info.sizeSectors, SIZE_BYTES / 512);
    assert.equal(device.info.native.extents, false);
    await assert.rejects(connectFile({ path: loop }), (error) => isBlockError(error, 'LOCKED'));
    await assert.rejects(connectFile({ path: loop, readOnly: true }), (error) => isBlockError(error, 'LOCKED'));
    await assert.rejects(device.resize(1), (error) => isBlockError(error, 'UNSUPPORTED'));

    const last = device.info.sizeSectors - 1;
    await device.write(0, [sectors(64, 1)]);
    await device.write(last, [sectors(1, 2)]);
    await device.discard(1, last);
    await device.flush();
    await device.disconnect();

    const reader = await connectFile({ path: loop, readOnly: true, sectorSize: 4096 });
    const found = new Uint8Array(SIZE_BYTES);
    await reader.read(0, [found]);
    assert.deepEqual(found.subarray(0, 512), sectors(1, 1));
    assert.ok(found.subarray(512).every((byte) => byte === 0));
    await reader.disconnect();
  });
});

describe('the claim on a raw block device', () => {
  test('holds for every path to it, those to a node of its own included', async ({ skip }) => {
    loop = await makeLoopDevice();
    if (loop === undefined) return skip('losetup is not there or not allowed: needs Linux and root');
    const { major, minor } = deviceNumber((await stat(loop, { bigint: true })).rdev);
    const twin = join(await directory(), 'twin');
    await run('mknod', [twin, 'b', `${major}`, `${minor}`]);
    const device = await connectFile({ path: loop });
    await assert.rejects(connectFile({ path: twin }), (error) => isBlockError(error, 'LOCKED'));
    await device.disconnect();
    await (await connectFile({ path: twin })).disconnect();
  });
});

describe('a device number', () => {
  test.each([
    ['of eight bits each, as they once were', 0x0705n, 7n, 5n],
    ['with a minor of more than eight bits', (0x12n << 20n) | (259n << 8n) | 0x34n, 259n, 0x1234n],
    ['with a major of more than twelve bits', (0x1n << 44n) | (0x234n << 8n), 0x1234n, 0n],
  ])('%s', (_, rdev, major, minor) => {
    assert.deepEqual(deviceNumber(rdev), { major, minor });
  });
});
