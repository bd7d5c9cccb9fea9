import { type BlockDevice, type BlockDriver, createDevice } from '../index.js';

/** All sectors in one block of memory. */
export function memoryDriver(sectorSize: number, sizeSectors: number): BlockDriver {
  let bytes = new Uint8Array(sectorSize * sizeSectors);
  return {
    name: 'memory',
    sectorSize,
    sizeSectors,
    // Every call is over before the next one begins, so none can tear a sector of another.
    atomicSectors: true,

    read(start, buffers) {
      let at = start * sectorSize;
      for (const buffer of buffers) {
        buffer.set(bytes.subarray(at, at + buffer.byteLength));
        at += buffer.byteLength;
      }
    },

    write(start, buffers) {
      let at = start * sectorSize;
      for (const buffer of buffers) {
        bytes.set(buffer, at);
        at += buffer.byteLength;
      }
    },

    // Memory has nothing more durable to offer.
    flush() {},

    resize(newSizeSectors) {
      const resized = new Uint8Array(sectorSize * newSizeSectors);
      resized.set(bytes.subarray(0, resized.byteLength));
      bytes = resized;
    },

    disconnect() {
      bytes = new Uint8Array(0);
    },
  };
}

export async function connect(options: { sectorSize: number; sizeSectors: number }): Promise<BlockDevice> {
  return createDevice(memoryDriver(options.sectorSize, options.sizeSectors));
}
