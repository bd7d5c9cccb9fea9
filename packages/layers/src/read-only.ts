import { type BlockDevice, checkDevice, checkOptionNames } from '@blockyard/block';
import { checkOwnsBase } from './check.js';
import { createLayer, type LayerOptions } from './layer.js';

/**
 * The base, refusing whatever would change it with `READ_ONLY`.
 *
 * Throws `INVALID_ARGUMENT` if an option is wrong or unknown.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { withReadOnly } from '@blockyard/layers';
 *
 * const device = withReadOnly(await connectMemory({ sizeSectors: 16 }));
 * console.log(await device.discard(0, 1).catch(({ code }) => code)); // READ_ONLY
 * ```
 */
export function withReadOnly(base: BlockDevice, options: LayerOptions = {}): BlockDevice {
  checkDevice(base, 'base');
  checkOptionNames(options, { ownsBase: true });
  return createLayer(base, {
    name: 'readonly',
    ownsBase: checkOwnsBase(options),
    info: { readOnly: true },
    intercept: (_operation, args, send) => send(args),
    lends: true,
  });
}
