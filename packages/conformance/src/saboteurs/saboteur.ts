import type { BlockDevice, DeviceInfo, DisconnectOptions, Extent, LostSignal, SectorRange } from '@blockyard/block';
import { createMemory, createReferenceDevice, type Memory } from '../bases/reference.js';
import type { Clause } from '../kit/case.js';
import type { Subject } from '../kit/subject.js';
import { wrapperSubject } from './pass-through.js';

/** A device that breaks one clause on purpose. The kit is as good as the saboteurs that it catches. */
export interface Saboteur {
  /** What is wrong with it. */
  readonly name: string;
  /** The clause that it breaks, and a case of which must fail. */
  readonly clause: Clause;
  /** It is caught by its silence. */
  readonly hangs?: boolean;
  readonly subject: Subject;
}

/** Methods that replace those of a good device. */
type Sabotage = (good: BlockDevice, memory: Memory) => Partial<BlockDevice>;

/** A reference device, spoiled. */
export function saboteur(clause: Clause, name: string, sabotage: Sabotage): Saboteur {
  return {
    name,
    clause,
    subject: {
      name,
      persistent: true,
      async create(shape) {
        const memory = createMemory(shape);
        return {
          connect: async (options) => spoil(createReferenceDevice(memory, options), (good) => sabotage(good, memory)),
          dispose: async () => {},
        };
      },
    },
  };
}

/** A device over a device, spoiled. */
export function wrapperSaboteur(clause: Clause, name: string, wrap: (base: BlockDevice) => BlockDevice): Saboteur {
  return { name, clause, subject: wrapperSubject(name, wrap) };
}

/** One that is caught by its silence. */
export function silent(silence: Saboteur): Saboteur {
  return { ...silence, hangs: true };
}

/** The device with some of its methods replaced. */
export function spoil(good: BlockDevice, sabotage: (good: BlockDevice) => Partial<BlockDevice>): BlockDevice {
  return Object.defineProperties(new Forwarding(good), Object.getOwnPropertyDescriptors(sabotage(good)));
}

/** Hands everything on. */
class Forwarding implements BlockDevice {
  readonly #good: BlockDevice;

  constructor(good: BlockDevice) {
    this.#good = good;
  }

  get info(): DeviceInfo {
    return this.#good.info;
  }

  get lost(): LostSignal | undefined {
    return this.#good.lost;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#good.read(start, buffers);
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#good.write(start, buffers);
  }

  flush(range?: SectorRange): Promise<void> {
    return this.#good.flush(range);
  }

  resize(sizeSectors: number): Promise<void> {
    return this.#good.resize(sizeSectors);
  }

  discard(start: number, count: number): Promise<void> {
    return this.#good.discard(start, count);
  }

  writeZeroes(start: number, count: number): Promise<void> {
    return this.#good.writeZeroes(start, count);
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#good.extents(start, count);
  }

  disconnect(options?: DisconnectOptions): Promise<void> {
    return this.#good.disconnect(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }
}
