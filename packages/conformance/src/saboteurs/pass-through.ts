import { type BlockDevice, createDevice } from '@blockyard/block';
import { createMemory, createReferenceDevice } from '../bases/reference.js';
import type { Subject } from '../kit/subject.js';

/** The layer that does nothing. */
export function passThrough(base: BlockDevice): BlockDevice {
  return createDevice({
    name: `pass(${base.info.name})`,
    sectorSize: base.info.sectorSize,
    sizeSectors: base.info.sizeSectors,
    readOnly: base.info.readOnly,
    lost: base.lost,
    read: (start, buffers) => base.read(start, buffers),
    write: (start, buffers) => base.write(start, buffers),
    flush: (range) => base.flush(range),
    resize: (sizeSectors) => base.resize(sizeSectors),
    disconnect: (options) => base.disconnect(options),
    discard: (start, count) => base.discard(start, count),
    writeZeroes: (start, count) => base.writeZeroes(start, count),
    extents: (start, count) => base.extents(start, count),
  });
}

/** The kit's subject of a device over a device. */
export function wrapperSubject(name: string, wrap: (base: BlockDevice) => BlockDevice): Subject {
  return {
    name,
    persistent: true,
    async create(shape) {
      const memory = createMemory(shape);
      return {
        connect: async (options) => wrap(createReferenceDevice(memory, options)),
        dispose: async () => {},
      };
    },
    wrap: async (base) => wrap(base),
  };
}
