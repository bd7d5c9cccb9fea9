import { deepStrictEqual, strictEqual } from 'node:assert';
import { macrotasks } from '@blockyard/block/testing';
import { Random, VirtualTime } from '@blockyard/conformance/simulator';
import { createRecording } from '@blockyard/conformance/testing';
import { expect, test } from 'vitest';
import { connectCache } from '../connect.js';

/** What the simulator found, each case as short as it got. */

const SECTOR = 512;
const LINE = { lineSize: 16 * SECTOR, maxSizeBytes: 1 << 20, readAhead: false, seed: 1 };

/** A base whose writes settle as the test says, first come first. */
function heldBase() {
  const held: { resolve(): void; reject(error: Error): void }[] = [];
  let holds = true;
  const { device } = createRecording(
    { sectorSize: SECTOR, sizeSectors: 256 },
    {
      pace: (operation) =>
        operation === 'write' && holds
          ? new Promise((resolve, reject) => held.push({ resolve, reject }))
          : Promise.resolve(),
    },
  );
  const heal = () => {
    holds = false;
  };
  return { device, held, heal };
}

const filled = (count: number, byte: number) => [new Uint8Array(count * SECTOR).fill(byte)];

test('data that are due while the base is busy wait for it without a timer', async () => {
  const time = new VirtualTime(new Random(1));
  const { device, held, heal } = heldBase();
  const cache = await connectCache(device, { ...LINE, maxDirtyAgeMs: 10, maxWriteConcurrency: 1, clock: time });
  await cache.write(0, filled(1, 1));
  await cache.write(200, filled(1, 2));
  strictEqual(time.step(), true);
  await macrotasks();
  strictEqual(held.length, 1);
  strictEqual(time.step(), false, 'no timer is left');
  heal();
  held[0]?.resolve();
  await macrotasks();
  strictEqual(cache.snapshot().dirtyLines, 0);
  await cache.disconnect();
});

test('a flush ends after a line was zeroed and rewritten while one of its two writes had failed', async () => {
  const { device, held, heal } = heldBase();
  const cache = await connectCache(device, LINE);
  await cache.write(0, filled(2, 1));
  await cache.write(12, filled(2, 2));
  const failing = expect(cache.flush()).rejects.toThrow('first');
  await macrotasks();
  strictEqual(held.length, 2);
  held[0]?.reject(new Error('first'));
  await failing;
  await cache.discard(6, 2);
  await cache.write(6, filled(1, 3));
  heal();
  held[1]?.reject(new Error('second'));
  await macrotasks();
  await cache.flush();
  const read = new Uint8Array(16 * SECTOR);
  await device.read(0, [read]);
  const found = Array.from({ length: 16 }, (_, sector) => read[sector * SECTOR]);
  deepStrictEqual(found, [1, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 2, 2, 0, 0]);
  await cache.disconnect();
});
