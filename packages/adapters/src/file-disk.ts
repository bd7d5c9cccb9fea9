import {
  type BlockDevice,
  type BlockDriver,
  BlockError,
  checkDevice,
  checkOptionNames,
  checkSectorSize,
  createDevice,
  type KnownOptions,
} from '@blockyard/block';
import { Disk, type ReadResult, type WriteResult } from 'file-disk';
import { ByteAccess } from './byte-access.js';

/** Options of {@link connectDisk}. */
export interface DiskDeviceOptions {
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
}

const KNOWN: KnownOptions<DiskDeviceOptions> = { sectorSize: true };

/** What a disk of file-disk does, as far as a device over one needs it. */
export type DiskLike = Pick<Disk, 'readOnly' | 'read' | 'write' | 'flush' | 'getCapacity'>;
const METHODS = ['read', 'write', 'flush', 'getCapacity'] as const;

/**
 * A disk of file-disk as a device, of the disk's size for good. The disk stays the caller's: it has nothing that ends it.
 *
 * Rejects with `INVALID_ARGUMENT`, `UNALIGNED` (its size is not whole sectors), or `IO` where the disk fails.
 */
export async function connectDisk(disk: DiskLike, options: DiskDeviceOptions = {}): Promise<BlockDevice> {
  const device = 'file-disk';
  try {
    checkOptionNames(options, KNOWN);
    const { sectorSize = 512 } = options;
    checkDisk(disk);
    checkSectorSize(sectorSize);
    const sizeBytes = await disk.getCapacity();
    if (sizeBytes % sectorSize !== 0) {
      throw new BlockError('UNALIGNED', `a disk of ${sizeBytes} bytes is not whole sectors of ${sectorSize} bytes`);
    }
    return createDevice(driverOver(disk, { name: device, sectorSize, sizeSectors: sizeBytes / sectorSize }));
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device });
  }
}

function checkDisk(disk: unknown): void {
  const has = (name: string) => typeof (disk as Record<string, unknown>)[name] === 'function';
  if (typeof disk === 'object' && disk !== null && METHODS.every(has)) return;
  throw new BlockError('INVALID_ARGUMENT', `disk must be one of file-disk, which has ${METHODS.join(', ')}`);
}

function driverOver(disk: DiskLike, facts: Pick<BlockDriver, 'name' | 'sectorSize' | 'sizeSectors'>): BlockDriver {
  const { sectorSize } = facts;
  return {
    ...facts,
    readOnly: disk.readOnly,
    async read(start, buffers) {
      await eachBuffer(start * sectorSize, buffers, async (bytes, offset) => {
        // A disk reads to the start of what it is given, whatever offset it is told.
        const { bytesRead, buffer } = await disk.read(Buffer.alloc(bytes.byteLength), 0, bytes.byteLength, offset);
        checkLength(bytesRead, bytes.byteLength);
        bytes.set(buffer.subarray(0, bytes.byteLength));
      });
    },
    async write(start, buffers) {
      await eachBuffer(start * sectorSize, buffers, async (bytes, offset) => {
        const { bytesWritten } = await disk.write(Buffer.from(bytes), 0, bytes.byteLength, offset);
        checkLength(bytesWritten, bytes.byteLength);
      });
    },
    flush: () => disk.flush(),
    resize() {
      throw new BlockError('UNSUPPORTED', 'a disk of file-disk has one size');
    },
    disconnect() {},
  };
}

async function eachBuffer(
  start: number,
  buffers: readonly Uint8Array[],
  work: (bytes: Uint8Array, offset: number) => Promise<void>,
): Promise<void> {
  let offset = start;
  for (const bytes of buffers) {
    await work(bytes, offset);
    offset += bytes.byteLength;
  }
}

function checkLength(done: number, wanted: number): void {
  if (done !== wanted) throw new BlockError('IO', `the disk transfers ${done} bytes of ${wanted}`);
}

/**
 * A device as a disk of file-disk, which reads and writes any bytes of it. It does not end the device.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { DeviceDisk } from '@blockyard/adapters/file-disk';
 *
 * const disk = new DeviceDisk(await connectMemory({ sizeSectors: 16 }));
 * console.log(await disk.getCapacity()); // 8192
 * ```
 */
export class DeviceDisk extends Disk {
  readonly #device: BlockDevice;
  readonly #access: ByteAccess;

  /** Throws `INVALID_ARGUMENT` for what is no device. */
  constructor(device: BlockDevice) {
    checkDevice(device, 'device');
    super(device.info.readOnly);
    this.#device = device;
    this.#access = new ByteAccess(device);
  }

  protected async _getCapacity(): Promise<number> {
    return this.#access.sizeBytes;
  }

  protected async _read(buffer: Buffer, bufferOffset: number, length: number, fileOffset: number): Promise<ReadResult> {
    const bytesRead = Math.max(0, Math.min(length, this.#access.sizeBytes - fileOffset));
    await this.#access.read(fileOffset, buffer.subarray(bufferOffset, bufferOffset + bytesRead));
    return { bytesRead, buffer };
  }

  protected async _write(
    buffer: Buffer,
    bufferOffset: number,
    length: number,
    fileOffset: number,
  ): Promise<WriteResult> {
    await this.#access.write(fileOffset, buffer.subarray(bufferOffset, bufferOffset + length));
    return { bytesWritten: length, buffer };
  }

  protected _flush(): Promise<void> {
    return this.#device.flush();
  }
}
