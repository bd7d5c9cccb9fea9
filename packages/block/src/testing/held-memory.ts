import { type BlockDevice, type BlockDriver, createDevice } from '../index.js';
import { type HeldDriver, holdCalls, memoryDriver } from '../testing.js';

/** A device in memory whose driver's calls wait for the test. */
export function heldMemory(sizeSectors = 16, overrides: Partial<BlockDriver> = {}) {
  const driver: HeldDriver = holdCalls(memoryDriver(512, sizeSectors), overrides);
  const device: BlockDevice = createDevice(driver);
  return { driver, device };
}

/** Operations whose calls wait, oldest first. */
export function operations({ held }: HeldDriver): string[] {
  return held.map((call) => call.operation);
}
