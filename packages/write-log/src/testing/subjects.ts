import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, byteLengthOf, createDevice } from '@blockyard/block';
import { sparseDriver } from '@blockyard/block/testing';
import type { Shape, Subject, Volume } from '@blockyard/conformance';
import {
  type CrashState,
  combinations,
  crashStates,
  createGroupLogDevice,
  createMemory,
  createRecording,
  createReferenceDevice,
  GroupLog,
  openCrashState,
  type Recording,
} from '@blockyard/conformance/testing';
import { connectWriteLog, type WriteLogOptions } from '../index.js';

const MEDIUM_BYTES = 2 << 20;

type Options = Partial<WriteLogOptions>;

const mediumShape = (sectorSize: number): Shape => ({ sectorSize, sizeSectors: MEDIUM_BYTES / sectorSize });

/** A write log over memory whose medium is memory. */
export function memorySubject(
  name: string,
  mediumSectorSize: number,
  options: Options,
  sectorSizes: readonly number[],
): Subject {
  return {
    name,
    persistent: true,
    sectorSizes,
    hugeSectors: 2 ** 32,
    async create(shape) {
      const isHuge = shape.sizeSectors > 2 ** 20;
      const memory = isHuge ? undefined : createMemory(shape);
      const medium = createMemory(mediumShape(mediumSectorSize));
      const connectBase = (readOnly: boolean) =>
        memory === undefined
          ? createDevice(sparseDriver(shape.sectorSize, shape.sizeSectors))
          : createReferenceDevice(memory, { readOnly });
      return {
        connect: ({ readOnly = false } = {}) =>
          connectWriteLog(connectBase(readOnly), { medium: createReferenceDevice(medium, { readOnly }), ...options }),
        dispose: async () => {},
      };
    },
    ...(options.durability !== 'medium' && {
      async wrap(base: BlockDevice) {
        const medium = await connectMemory(mediumShape(mediumSectorSize));
        return connectWriteLog(base, { medium, ...options });
      },
    }),
  };
}

/**
 * A write log over a base that keeps the order of its writes. A crash leaves a state of the base, and any of the medium.
 *
 * @param isDirect whether the medium can write durably in one call
 */
export function orderedSubject(
  name: string,
  options: Options,
  sectorSizes: readonly number[],
  isDirect = false,
): Subject {
  return {
    name,
    sectorSizes,
    persistent: true,
    prefixConsistent: true,
    create: async (shape) =>
      new OrderedVolume(new GroupLog(shape), mediumShape(shape.sectorSize), undefined, options, isDirect),
  };
}

class OrderedVolume implements Volume {
  readonly #base: GroupLog;
  readonly #options: Options;
  readonly #medium: Recording;
  readonly #isDirect: boolean;

  constructor(base: GroupLog, shape: Shape, left: CrashState | undefined, options: Options, isDirect: boolean) {
    this.#base = base;
    this.#isDirect = isDirect;
    this.#options = options;
    this.#medium = left === undefined ? createRecording(shape) : openCrashState(left);
  }

  connect({ readOnly = false } = {}): Promise<BlockDevice> {
    const medium = kept(this.#medium.device, this.#isDirect);
    return connectWriteLog(createGroupLogDevice(this.#base, { readOnly }), { medium, ...this.#options });
  }

  crashStates({ maxStates = 6, seed = 0 } = {}): Volume[] {
    const media = [...crashStates(this.#medium.medium, { maxStates, seed })];
    const choices = [this.#base.crashStates().length, media.length];
    return [...combinations(choices, { maxStates, seed })].flatMap(([base = 0, medium = 0]) => {
      // States share nothing.
      const [left, state] = [this.#base.crashStates()[base], media[medium]];
      return left && state ? [new OrderedVolume(left, state, state, this.#options, this.#isDirect)] : [];
    });
  }

  async dispose(): Promise<void> {}
}

/** The device, which stays open when it is disconnected; with `writeDurably`, which makes durable what it writes and no more. */
export function kept(device: BlockDevice, isDirect = false): BlockDevice {
  const { name, sectorSize, sizeSectors } = device.info;
  return createDevice({
    name,
    sectorSize,
    sizeSectors,
    atomicSectors: true,
    read: (start, buffers) => device.read(start, buffers),
    write: (start, buffers) => device.write(start, buffers),
    ...(isDirect && {
      writeDurably: async (start: number, buffers: readonly Uint8Array[]) => {
        await device.write(start, buffers);
        await device.flush({ start, count: byteLengthOf(buffers) / sectorSize });
      },
    }),
    flush: () => device.flush(),
    resize: (size) => device.resize(size),
    disconnect: () => {},
  });
}
