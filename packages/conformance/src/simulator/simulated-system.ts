import type { BlockDevice } from '@blockyard/block';
import type { CrashMedium } from '../bases/crash-medium.js';
import type { Life } from './life.js';
import type { Action } from './script.js';
import { openSimulatedBase } from './simulated-base.js';
import { SimulatedMedium } from './simulated-medium.js';
import type { World } from './world.js';

/** What is simulated, in one world: something stored, and the way to open a device on it. */
export interface SimulatedSystem {
  /**
   * Opens a device, as one process does. At first, and after each end, with a new life: all its time, and all its calls of
   * whatever the data are on, belong to that.
   */
  open(life: Life): Promise<BlockDevice>;
  /** The machine stopped: what is stored is now what a crash may leave of it. The life is over. */
  crash(): void;
  /**
   * What a crash now may leave, if sector `n` of the device is sector `n` of it. The simulation then looks at all of that
   * after each event, not only at what some crash leaves.
   */
  readonly crashMedium?: CrashMedium | undefined;
  /**
   * What is found after a crash must be the result of a prefix of the accepted writes [D5]. The simulation then reads all of it
   * each time that it has opened the device. Default: false.
   */
  readonly prefixConsistent?: boolean;
  /**
   * What was flushed may be lost in a crash, with the local disk that it was on, though the order of writes never is: flushes
   * claim nothing. For systems that are `prefixConsistent`. Default: false.
   */
  readonly losesFlushed?: boolean;
  /** Looks for what must not be, between events. Throws it. */
  check?(device: BlockDevice): void;
  /**
   * Does what only this device can do, beside the operations of clients, who hold so many loans. Rejects if that fails as it
   * may not. Default: nothing.
   */
  act?(device: BlockDevice, action: Action, loans: () => number): Promise<void>;
  /**
   * Whether an operation may fail although no call of a medium does, since one takes longer than the device waits. Clients then
   * resize with nothing beside it, as where calls fail: until it has settled, no one can tell the size. Default: false.
   */
  readonly timesOut?: boolean;
  /** Whether an operation may fail like this, where the error is not one of the world's own. */
  mayFail?(error: unknown): boolean;
  /**
   * Whether a resize that fails like this may have taken place, or may yet: it does not hold, but where the process ends before
   * it has flushed again, it may be found to. Default: no.
   */
  mayComeLate?(error: unknown): boolean;
  /** Whether a device that fails like this can only be given up. */
  isLost?(error: unknown): boolean;
  /** Macrotasks after which the device is at rest. Default: 1, enough for promises. */
  readonly macrotasksToRest?: number;
}

/** What is put to the simulation. */
export interface SimulationSubject {
  readonly name: string;
  /** Makes what is stored: `world.shape` of zeroes, durable. */
  create(world: World): SimulatedSystem | Promise<SimulatedSystem>;
}

/**
 * A subject of a device over a device: a cache, a layer. Sector `n` of the result is sector `n` of the base, and the result
 * owns the base.
 *
 * @param check looks for what must not be, between events
 * @param act does what only this device can do
 */
export function overSimulatedBase<T extends BlockDevice>(
  name: string,
  wrap: (base: BlockDevice, world: World, life: Life) => Promise<T>,
  check?: (device: T) => void,
  act?: (device: T, action: Action, loans: () => number) => Promise<void>,
): SimulationSubject {
  return {
    name,
    create(world) {
      const medium = new SimulatedMedium(world);
      let opened: T | undefined;
      return {
        get crashMedium() {
          return medium.crashMedium;
        },
        async open(life) {
          opened = await wrap(openSimulatedBase(world, medium, life), world, life);
          return opened;
        },
        crash: () => medium.crash(world.random),
        check() {
          if (opened !== undefined) check?.(opened);
        },
        async act(_, action, loans) {
          if (opened !== undefined) await act?.(opened, action, loans);
        },
      };
    },
  };
}
