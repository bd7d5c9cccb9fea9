/** The subject that the tests of runners put to the kit: one that works, or one that cannot even be read. */
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';

const isBroken = process.env.BLOCKYARD_BROKEN === 'true';

export const subject = {
  name: isBroken ? 'broken' : 'whole',
  persistent: true,
  readOnly: false,
  sectorSizes: [512],
  async create(shape) {
    const memory = createMemory(shape);
    return {
      async connect() {
        const device = createReferenceDevice(memory);
        if (isBroken) device.read = async () => {};
        return device;
      },
      dispose: async () => {},
    };
  },
};
