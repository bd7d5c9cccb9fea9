import { type BlockDevice, type BlockDriver, createDevice, type Operation } from '@blockyard/block';

/** A disk in memory that outlives the devices that are opened on it. A test may look at its bytes, change them, and make calls fail. */
export class Disk {
  readonly bytes: Uint8Array;
  readonly sectorSize: number;
  /** Waits, or fails, before a call is carried out. */
  onCall: (operation: Operation, start: number) => Promise<void> | void = () => {};
  readonly calls: { readonly operation: Operation; readonly start: number; readonly sizeBytes: number }[] = [];

  constructor(sizeBytes: number, sectorSize = 4096) {
    this.bytes = new Uint8Array(sizeBytes);
    this.sectorSize = sectorSize;
  }

  /** A copy of it as it is now. */
  clone(): Disk {
    const disk = new Disk(this.bytes.byteLength, this.sectorSize);
    disk.bytes.set(this.bytes);
    return disk;
  }

  open(overrides: Partial<BlockDriver> = {}): BlockDevice {
    return createDevice({ ...this.#driver(), ...overrides });
  }

  /** Bytes that were read or written, by all devices. */
  moved(operation: 'read' | 'write'): number {
    return this.calls.filter((call) => call.operation === operation).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #driver(): BlockDriver {
    const { bytes, sectorSize } = this;
    const call = async (operation: Operation, start: number, buffers: readonly Uint8Array[]) => {
      const sizeBytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
      this.calls.push({ operation, start: start * sectorSize, sizeBytes });
      await this.onCall(operation, start * sectorSize);
    };
    return {
      name: 'disk',
      sectorSize,
      sizeSectors: bytes.byteLength / sectorSize,
      async read(start, buffers) {
        await call('read', start, buffers);
        let at = start * sectorSize;
        for (const buffer of buffers) {
          buffer.set(bytes.subarray(at, at + buffer.byteLength));
          at += buffer.byteLength;
        }
      },
      async write(start, buffers) {
        await call('write', start, buffers);
        let at = start * sectorSize;
        for (const buffer of buffers) {
          bytes.set(buffer, at);
          at += buffer.byteLength;
        }
      },
      flush: () => call('flush', 0, []),
      resize: () => Promise.reject(new Error('the disk has one size')),
      disconnect: () => {},
    };
  }
}
