import {
  type BlockDevice,
  BlockError,
  checkBoolean,
  checkDevice,
  checkOptionNames,
  checkSectorSize,
  checkSize,
  createDevice,
  type KnownOptions,
} from '@blockyard/block';
import RandomAccessStorage, { type Request } from 'random-access-storage';
import { ByteAccess } from './byte-access.js';
import { answerOf, type DeviceStorage, type Storage } from './storage.js';
import { StorageDriver } from './storage-driver.js';

export type { DeviceStorage, Storage } from './storage.js';

/** Options of {@link connectStorage}. */
export interface StorageDeviceOptions {
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
  /** Make the storage so long first, with zeroes, where it is empty. Left out: it is as long as it is. */
  readonly sizeSectors?: number;
  /** Refuse every change. Default: false. */
  readonly readOnly?: boolean;
  /** Whether disconnecting the device closes the storage. Default: true. */
  readonly ownsStorage?: boolean;
}

const KNOWN: KnownOptions<StorageDeviceOptions> = {
  sectorSize: true,
  sizeSectors: true,
  readOnly: true,
  ownsStorage: true,
};
const METHODS = ['read', 'write', 'truncate', 'stat', 'close'] as const;

/**
 * A random-access-storage as a device.
 *
 * Rejects with `INVALID_ARGUMENT`, `UNALIGNED` (its length is not whole sectors), `ALREADY_EXISTS` (it is to be made, and has
 * something in it), or `IO` where the storage fails. The storage is the caller's then.
 */
export async function connectStorage(storage: Storage, options: StorageDeviceOptions = {}): Promise<BlockDevice> {
  const device = 'random-access-storage';
  try {
    checkOptionNames(options, KNOWN);
    const { sectorSize = 512, sizeSectors, readOnly = false, ownsStorage = true } = options;
    checkStorage(storage);
    checkSectorSize(sectorSize);
    if (sizeSectors !== undefined) checkSize(sizeSectors, sectorSize);
    checkBoolean(readOnly, 'readOnly');
    checkBoolean(ownsStorage, 'ownsStorage');
    if (sizeSectors !== undefined) await makeLong(storage, sizeSectors * sectorSize);
    const sizeBytes = await lengthOf(storage);
    if (sizeBytes % sectorSize !== 0) {
      throw new BlockError('UNALIGNED', `a storage of ${sizeBytes} bytes is not whole sectors of ${sectorSize} bytes`);
    }
    const facts = { name: device, sectorSize, sizeSectors: sizeBytes / sectorSize, readOnly };
    return createDevice(new StorageDriver(storage, facts, ownsStorage));
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device });
  }
}

function checkStorage(storage: unknown): void {
  const has = (name: string) => typeof (storage as Record<string, unknown>)[name] === 'function';
  if (typeof storage === 'object' && storage !== null && METHODS.every(has)) return;
  throw new BlockError('INVALID_ARGUMENT', `storage must be a random-access-storage, which has ${METHODS.join(', ')}`);
}

async function makeLong(storage: Storage, sizeBytes: number): Promise<void> {
  const present = await lengthOf(storage);
  if (present !== 0) throw new BlockError('ALREADY_EXISTS', `the storage has ${present} bytes in it`);
  await answerOf((done) => storage.truncate(sizeBytes, done));
}

/** One that was never written to may not be there yet. */
async function lengthOf(storage: Storage): Promise<number> {
  try {
    const stat = await answerOf<{ readonly size: number }>((done) => storage.stat(done));
    return stat?.size ?? 0;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ENOENT') return 0;
    throw error;
  }
}

/**
 * A device as a random-access-storage of one length: the device's. Any bytes of it can be read and written. `del` zeroes, and
 * gives space back; `truncate` resizes, to whole sectors; `close` disconnects the device, which makes durable what was written.
 *
 * Throws `INVALID_ARGUMENT` for what is no device.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { storageOf } from '@blockyard/adapters/random-access-storage';
 *
 * const storage = storageOf(await connectMemory({ sizeSectors: 16 }));
 * await new Promise((resolve) => storage.write(500, Buffer.from('over a boundary'), resolve));
 * storage.read(505, 10, (_, bytes) => console.log(String(bytes))); // a boundary
 * ```
 */
export function storageOf(device: BlockDevice): DeviceStorage {
  checkDevice(device, 'device');
  const access = new ByteAccess(device);
  const answering = (work: (request: Request) => Promise<unknown>) => (request: Request) => {
    work(request).then(
      (value) => request.callback(null, value),
      (error: Error) => request.callback(error),
    );
  };
  return new RandomAccessStorage({
    read: answering(async ({ offset, size }) => {
      const bytes = Buffer.alloc(size);
      await access.read(offset, bytes);
      return bytes;
    }),
    write: answering(async ({ offset, data }) => {
      if (data !== null) await access.write(offset, data);
    }),
    del: answering(({ offset, size }) => access.zero(offset, Math.min(size, Math.max(0, access.sizeBytes - offset)))),
    truncate: answering(({ offset }) => resizeTo(device, offset)),
    stat: answering(async () => ({ size: access.sizeBytes })),
    close: answering(() => device.disconnect()),
  });
}

async function resizeTo(device: BlockDevice, sizeBytes: number): Promise<void> {
  const { sectorSize } = device.info;
  if (sizeBytes % sectorSize === 0) return device.resize(sizeBytes / sectorSize);
  throw new BlockError('UNALIGNED', `${sizeBytes} bytes are not whole sectors of ${sectorSize} bytes`);
}
