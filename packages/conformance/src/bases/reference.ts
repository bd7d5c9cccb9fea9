import { type BlockDevice, type BlockDriver, createDevice, type DeviceOptions } from '@blockyard/block';
import type { Shape } from './shape.js';

/** Contents of a reference device. */
export interface Memory {
  readonly sectorSize: number;
  bytes: Uint8Array;
}

/** A medium of zeroes, for {@link createReferenceDevice}. */
export function createMemory({ sectorSize, sizeSectors }: Shape): Memory {
  return { sectorSize, bytes: new Uint8Array(sectorSize * sizeSectors) };
}

export interface ReferenceOptions extends DeviceOptions {
  /** Default: false. */
  readonly readOnly?: boolean;
}

/**
 * The simplest device there can be: one array, nothing optional. It passes the kit, and is what the kit's own tests, wrapped
 * subjects and saboteurs stand on. Opening it again on the same memory finds the data.
 */
export function createReferenceDevice(memory: Memory, options: ReferenceOptions = {}): BlockDevice {
  const { readOnly = false, ...rest } = options;
  return createDevice(referenceDriver(memory, readOnly), rest);
}

function referenceDriver(memory: Memory, readOnly: boolean): BlockDriver {
  const { sectorSize } = memory;
  return {
    name: 'reference',
    sectorSize,
    sizeSectors: memory.bytes.byteLength / sectorSize,
    readOnly,
    read(start, buffers) {
      let at = start * sectorSize;
      for (const buffer of buffers) {
        buffer.set(memory.bytes.subarray(at, at + buffer.byteLength));
        at += buffer.byteLength;
      }
    },
    write(start, buffers) {
      let at = start * sectorSize;
      for (const buffer of buffers) {
        memory.bytes.set(buffer, at);
        at += buffer.byteLength;
      }
    },
    flush() {},
    resize(sizeSectors) {
      const resized = new Uint8Array(sizeSectors * sectorSize);
      resized.set(memory.bytes.subarray(0, resized.byteLength));
      memory.bytes = resized;
    },
    disconnect() {},
  };
}
