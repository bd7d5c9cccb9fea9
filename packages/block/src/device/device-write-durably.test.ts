import { expect, test } from 'vitest';
import { memoryDriver } from '../fakes/memory-driver.js';
import { createDevice } from '../index.js';

test('a device writes durably where its driver does, with the checks of a write', async () => {
  const calls: [number, number][] = [];
  const writeDurably = (start: number, buffers: readonly Uint8Array[]) => {
    calls.push([start, buffers.length]);
  };
  const driver = Object.assign(memoryDriver(512, 8), { writeDurably });
  const device = createDevice(driver);
  const sector = new Uint8Array(512);
  await device.writeDurably?.(7, [sector]);
  await device.writeDurably?.(0, [sector, sector]);
  await expect(device.writeDurably?.(8, [sector])).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS', operation: 'write' });
  await expect(device.writeDurably?.(0, [new Uint8Array(511)])).rejects.toMatchObject({ code: 'UNALIGNED' });
  await device.disconnect();
  await expect(device.writeDurably?.(0, [sector])).rejects.toMatchObject({ code: 'DISCONNECTED' });
  expect(calls).toEqual([
    [7, 1],
    [0, 2],
  ]);
});

test('a device whose driver does not has no such method', () => {
  expect(createDevice(memoryDriver(512, 8)).writeDurably).toBeUndefined();
});
