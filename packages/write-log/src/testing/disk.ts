import { type BlockDevice, type BlockDriver, createDevice, type Operation } from '@blockyard/block';

/** A disk in memory that outlives the devices that are opened on it. A test may look at its bytes, change them, and make calls fail. */
export class Disk {
  readonly sectorSize: number;
  bytes: Uint8Array;
  /** Waits, or fails, before a call is carried out. */
  onCall: (operation: Operation, at: number, sizeBytes: number) => Promise<void> | void = () => {};
  readonly calls: { readonly operation: Operation; readonly at: number; readonly sizeBytes: number }[] = [];

  constructor(sizeBytes: number, sectorSize = 512) {
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

  count(operation: Operation): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  #driver(): BlockDriver {
    const { sectorSize } = this;
    const call = async (operation: Operation, at = 0, buffers: readonly Uint8Array[] = []) => {
      const sizeBytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
      this.calls.push({ operation, at, sizeBytes });
      await this.onCall(operation, at, sizeBytes);
    };
    return {
      name: 'disk',
      sectorSize,
      sizeSectors: this.bytes.byteLength / sectorSize,
      read: async (start, buffers) => {
        await call('read', start * sectorSize, buffers);
        let at = start * sectorSize;
        for (const buffer of buffers) {
          buffer.set(this.bytes.subarray(at, at + buffer.byteLength));
          at += buffer.byteLength;
        }
      },
      write: async (start, buffers) => {
        await call('write', start * sectorSize, buffers);
        let at = start * sectorSize;
        for (const buffer of buffers) {
          this.bytes.set(buffer, at);
          at += buffer.byteLength;
        }
      },
      flush: () => call('flush'),
      resize: async (sizeSectors) => {
        await call('resize');
        const bytes = new Uint8Array(sizeSectors * sectorSize);
        bytes.set(this.bytes.subarray(0, bytes.byteLength));
        this.bytes = bytes;
      },
      disconnect: () => {},
    };
  }
}
