import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { MemoryDriver } from './driver.js';
import { checkOptions, type MemoryOptions } from './options.js';

export type { MemoryOptions } from './options.js';

/**
 * A new device of zeroes in memory, gone when it is disconnected.
 *
 * Rejects with `INVALID_ARGUMENT` if an option is wrong or unknown.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 *
 * const device = await connectMemory({ sizeBytes: 2 ** 30 }); // of which nothing is held until it is written
 * console.log(device.info.sizeSectors, device.info.sectorSize); // 2097152 512
 * await device.disconnect();
 * ```
 */
export async function connectMemory(options: MemoryOptions): Promise<BlockDevice> {
  try {
    return createDevice(new MemoryDriver(checkOptions(options)));
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: 'memory' });
  }
}
