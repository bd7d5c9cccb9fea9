import type { BlockDevice } from '@blockyard/block';
import { createGroupLogDevice, GroupLog, type Leaving } from '../bases/group-log.js';
import type { Subject, Volume } from './subject.js';

type Wrap = (device: BlockDevice) => BlockDevice;

/**
 * A device that keeps the order of its writes as a subject of the kit; or one that does not, where a crash leaves something
 * else, or where it is wrapped in a device that has an order of its own.
 */
export function groupLogSubject(name: string, leaving?: Leaving, wrap: Wrap = (device) => device): Subject {
  return {
    name,
    persistent: true,
    prefixConsistent: true,
    create: async (shape) => volumeOn(new GroupLog(shape, leaving), wrap),
  };
}

function volumeOn(log: GroupLog, wrap: Wrap): Volume {
  return {
    connect: async (options) => wrap(createGroupLogDevice(log, options)),
    crashStates: () => log.crashStates().map((left) => volumeOn(left, wrap)),
    dispose: async () => {},
  };
}
