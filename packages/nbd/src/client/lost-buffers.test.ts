import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NbdServer } from '../server/nbd-server.js';
import { serveNbd } from '../server/server.js';
import { connectNbd } from './connect.js';

const SECTOR = 512;
const MIB = 2 ** 20;
/** Goes out and comes back in several batches. */
const LARGE_BYTES = 10 * MIB;

let directory: string;
let disk: BlockDevice;
let server: NbdServer;
const stray: unknown[] = [];
const note = (error: unknown) => stray.push(error);

beforeEach(async () => {
  stray.length = 0;
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  directory = await mkdtemp(join(tmpdir(), 'lost-buffers-'));
  disk = await connectMemory({ sizeSectors: (2 * LARGE_BYTES) / SECTOR, sectorSize: SECTOR });
  server = await serveNbd({ exports: { disk }, listen: { path: join(directory, 's') } });
});

afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
});

function detach(bytes: Uint8Array): void {
  const memory = bytes.buffer as ArrayBuffer;
  structuredClone(memory, { transfer: [memory] });
}

const MOMENTS: Readonly<Record<string, () => Promise<void>>> = {
  'before it is sent': async () => {},
  'when its first part is sent': () => new Promise((resolve) => process.nextTick(resolve)),
  'while it is on its way': () => new Promise((resolve) => setImmediate(resolve)),
};

describe('A buffer that is transferred away', () => {
  for (const operation of ['read', 'write'] as const) {
    for (const [when, wait] of Object.entries(MOMENTS)) {
      test(`${when} fails that ${operation} alone, and the connection goes on`, async () => {
        const device = await connectNbd(server.uris.disk ?? '');
        const sectors = LARGE_BYTES / SECTOR;
        const before = device.write(sectors, [new Uint8Array(5 * MIB).fill(3)]);
        const lost = new Uint8Array(LARGE_BYTES).fill(1);
        const failing = expect(device[operation](0, [lost])).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          operation,
        });
        const behind = device.write(sectors, [new Uint8Array(SECTOR).fill(2)]);
        await wait();
        detach(lost);
        await Promise.all([failing, before, behind]);
        const found = new Uint8Array(5 * MIB);
        await device.read(sectors, [found]);
        expect([found[SECTOR], found[5 * MIB - 1]]).toEqual([3, 3]);
        expect([2, 3]).toContain(found[0]);
        await device.flush();
        await device.disconnect();
        expect(stray).toEqual([]);
      });
    }
  }

  test('before any of it is sent leaves what was there', async () => {
    await disk.write(0, [new Uint8Array(LARGE_BYTES).fill(7)]);
    const device = await connectNbd(server.uris.disk ?? '');
    const lost = new Uint8Array(LARGE_BYTES).fill(1);
    const failing = expect(device.write(0, [lost])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    detach(lost);
    await failing;
    const found = new Uint8Array(LARGE_BYTES);
    await device.read(0, [found]);
    expect(found.every((byte) => byte === 7)).toBe(true);
    await device.disconnect();
  });
});
