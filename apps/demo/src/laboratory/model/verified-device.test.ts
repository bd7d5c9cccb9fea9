import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import { withFaults } from '@blockyard/layers';
import { expect, test } from 'vitest';
import { checkAfterCrash, countWrong } from './check-all.js';
import { VerifiedDevice, type WrongRead } from './verified-device.js';
import { VolumeModel } from './volume-model.js';

const SECTORS = 200;

async function open(change: (base: BlockDevice) => BlockDevice = (base) => base) {
  const base = await connectMemory({ sectorSize: 4096, sizeSectors: SECTORS });
  const model = new VolumeModel(SECTORS);
  const wrong: WrongRead[] = [];
  const device = change(base);
  return { base, device, model, wrong, verified: new VerifiedDevice(device, model, (each) => wrong.push(each)) };
}

test('What is read as it was written is right', async () => {
  const { device, model, wrong, verified } = await open();
  expect(await verified.write({ start: 10, count: 20 })).toBe(true);
  expect(await verified.read({ start: 0, count: SECTORS })).toBe(true);
  expect(await countWrong(device, model)).toBe(0);
  expect(wrong).toEqual([]);
});

test('A read of anything else is told, with its sector', async () => {
  const { base, device, model, wrong, verified } = await open();
  await verified.write({ start: 10, count: 20 });
  const old = new Uint8Array(4096);
  await base.read(12, [old]);
  await verified.write({ start: 10, count: 20 });
  await base.write(12, [old]);
  await base.write(150, [new Uint8Array(4096).fill(7)]);
  expect(await verified.read({ start: 10, count: 5 })).toBe(false);
  expect(await verified.read({ start: 150, count: 1 })).toBe(false);
  expect(await verified.read({ start: 13, count: 5 })).toBe(true);
  expect(wrong).toEqual([
    { sector: 12, version: 1 },
    { sector: 150, version: undefined },
  ]);
  expect(await countWrong(device, model)).toBe(2);
});

test('A write that failed may have been carried out, or not', async () => {
  const { verified, wrong } = await open((base) =>
    withFaults(base, { rules: [{ action: 'failAfter', operation: 'write', nth: 2 }] }),
  );
  await verified.write({ start: 0, count: 4 });
  await expect(verified.write({ start: 0, count: 4 })).rejects.toThrow('injected');
  expect(await verified.read({ start: 0, count: 4 })).toBe(true);
  expect(wrong).toEqual([]);
});

test('A flush that failed claims nothing', async () => {
  const { model, verified } = await open((base) =>
    withFaults(base, { rules: [{ action: 'failBefore', operation: 'flush', nth: 1 }] }),
  );
  await verified.write({ start: 0, count: 4 });
  await expect(verified.flush()).rejects.toThrow('injected');
  expect(model.unflushedSectors).toBe(4);
  await verified.flush();
  expect(model.unflushedSectors).toBe(0);
});

test('A look at everything after a crash tells what is there, what is not, and what must be', async () => {
  const { base, device, model, verified } = await open();
  const zeroes = new Uint8Array(4096);
  for (let start = 0; start < 8; start++) await verified.write({ start, count: 1 });
  await verified.flush();
  for (const start of [1, 2]) await verified.write({ start, count: 1 });
  const flushed = new Uint8Array(4096);
  await base.read(0, [flushed]);
  await base.write(3, [zeroes]);
  await base.write(4, [flushed]);
  expect(await checkAfterCrash(device, model)).toEqual({
    flushed: SECTORS - 4,
    kept: 2,
    forgotten: 0,
    lost: 1,
    invented: 1,
  });
});
