import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { MemoryDriver } from './driver.js';
import { checkOptions, type MemoryOptions } from './options.js';

export type { MemoryOptions } from './options.js';

/**
 * A new device of zeroes in memory, gone when it is disconnected.
 *
 * Rejects with `INVALID_ARGUMENT` if an option is wrong or unknown.
 */
export async function connectMemory(options: MemoryOptions): Promise<BlockDevice> {
  try {
    return createDevice(new MemoryDriver(checkOptions(options)));
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: 'memory' });
  }
}
