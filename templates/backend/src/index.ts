import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { TemplateDriver } from './driver.js';
import { checkOptions, type TemplateOptions } from './options.js';

export { createMedium, type Medium } from './medium.js';
export type { TemplateOptions } from './options.js';

/**
 * Opens a device on a medium.
 *
 * Rejects with `INVALID_ARGUMENT` if an option is wrong or unknown.
 */
export async function connectTemplate(options: TemplateOptions): Promise<BlockDevice> {
  try {
    return createDevice(new TemplateDriver(checkOptions(options)));
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: 'template' });
  }
}
