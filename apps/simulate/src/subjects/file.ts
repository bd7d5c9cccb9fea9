import { FileDriver } from '@blockyard/backend-file/driver';
import { createDevice } from '@blockyard/block';
import { SimulatedMedium, type SimulationSubject, type World } from '@blockyard/conformance/simulator';
import { SimulatedFile } from './simulated-file.js';

/** The file backend over an operating system that interrupts, transfers little at a time, and may lose what is not synced. */
export const fileSubject: SimulationSubject = {
  name: 'file',
  create(world: World) {
    const medium = new SimulatedMedium(world);
    const { sectorSize } = world.shape;
    const hasHoles = world.random.chance(0.7);
    return {
      get crashMedium() {
        return medium.crashMedium;
      },
      async open(life) {
        // Pages that could not be written are clean, so that they may be dropped; then the file reads as it is on the disk.
        if (medium.hasLost) medium.crash(world.random);
        const { sizeSectors } = medium;
        const facts = { path: '/simulated', sectorSize, sizeSectors, readOnly: false, resizable: true };
        return createDevice(new FileDriver(new SimulatedFile(world, medium, life, hasHoles), facts));
      },
      crash: () => medium.crash(world.random),
      // After an error of fsync no one can tell what is durable.
      mayFail: (error) => isFlushFailed(error),
      isLost: (error) => isFlushFailed(error),
    };
  },
};

function isFlushFailed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FLUSH_FAILED';
}
