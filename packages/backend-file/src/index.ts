import { resolve } from 'node:path';
import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { FileDriver } from './driver.js';
import { fileError } from './errno.js';
import { openFile } from './open.js';
import { checkOptions, type FileOptions } from './options.js';

export type { CreateOptions, FileOptions } from './options.js';

/**
 * Opens a regular file or a raw block device, or creates a file.
 *
 * Rejects with `INVALID_ARGUMENT` (an option is wrong or unknown), `NOT_FOUND`, `ALREADY_EXISTS`, `ACCESS_DENIED`, `LOCKED`
 * (another process, or this one, has it open), `UNALIGNED` (its size is not whole sectors, and it is to be written), `NO_SPACE`, `READ_ONLY` (a read-only
 * file system), `UNSUPPORTED` (a directory, a pipe, ...) or `IO`, and leaves nothing behind then.
 *
 * @example
 * ```ts
 * import { connectFile } from '@blockyard/backend-file';
 *
 * const device = await connectFile({ path: 'disk.img', create: { sizeSectors: 2048 } });
 * await device.write(0, [new Uint8Array(512).fill(1)]);
 * await device.flush(); // on the disk
 * console.log(device.info.sizeSectors); // 2048
 * await device.disconnect();
 * ```
 */
export async function connectFile(options: FileOptions): Promise<BlockDevice> {
  let device = 'file';
  try {
    const checked = checkOptions(options);
    const path = resolve(checked.path);
    device = `file:${path}`;
    const { io, sizeSectors, kind, paddedFrom } = await openFile({ ...checked, path });
    const resizable = kind === 'regular';
    return createDevice(new FileDriver(io, { ...checked, path, sizeSectors, resizable, paddedFrom }));
  } catch (error) {
    throw BlockError.from(fileError(error), { operation: 'connect', device });
  }
}
