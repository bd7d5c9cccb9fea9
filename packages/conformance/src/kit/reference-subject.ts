import { createMemory, createReferenceDevice } from '../bases/reference.js';
import type { Subject } from './subject.js';

/** The reference device as a subject of the kit. */
export const referenceSubject: Subject = {
  name: 'reference',
  persistent: true,
  async create(shape) {
    const memory = createMemory(shape);
    return {
      connect: async (options) => createReferenceDevice(memory, options),
      dispose: async () => {},
    };
  },
};
