import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, type BlockDriver, createDevice } from '@blockyard/block';

export const SECTOR = 512;

export function memory(sizeSectors = 64): Promise<BlockDevice> {
  return connectMemory({ sizeSectors, sectorSize: SECTOR });
}

export function sectors(count: number, value: number): Uint8Array {
  return new Uint8Array(count * SECTOR).fill(value);
}

/** The first byte of each sector of the device. */
export async function look(device: BlockDevice, start = 0, count = device.info.sizeSectors): Promise<number[]> {
  const bytes = new Uint8Array(count * SECTOR);
  await device.read(start, [bytes]);
  return Array.from({ length: count }, (_, i) => bytes[i * SECTOR] ?? -1);
}

/** A device that does nothing but note how it is called. */
export function recorder(overrides: Partial<BlockDriver> = {}): { device: BlockDevice; calls: string[] } {
  const calls: string[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): void => {
      calls.push(`${name}(${args.map((arg) => (Array.isArray(arg) ? '[]' : JSON.stringify(arg))).join(', ')})`);
    };
  const driver: BlockDriver = {
    name: 'recorder',
    sectorSize: SECTOR,
    sizeSectors: 64,
    preferredIoBytes: 4096,
    read: note('read'),
    write: note('write'),
    flush: note('flush'),
    resize: note('resize'),
    disconnect: note('disconnect'),
    ...overrides,
  };
  return { device: createDevice(driver), calls };
}
