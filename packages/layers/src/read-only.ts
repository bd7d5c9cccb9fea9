import { type BlockDevice, checkDevice, checkOptionNames } from '@blockyard/block';
import { checkOwnsBase } from './check.js';
import { createLayer, type LayerOptions } from './layer.js';

/**
 * The base, refusing whatever would change it with `READ_ONLY`.
 *
 * Throws `INVALID_ARGUMENT` if an option is wrong or unknown.
 */
export function withReadOnly(base: BlockDevice, options: LayerOptions = {}): BlockDevice {
  checkDevice(base, 'base');
  checkOptionNames(options, { ownsBase: true });
  return createLayer(base, {
    name: 'readonly',
    ownsBase: checkOwnsBase(options),
    info: { readOnly: true },
    intercept: (_operation, args, send) => send(args),
    lendsFrom: 0,
  });
}
