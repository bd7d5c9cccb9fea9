import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlockDevice, systemClock } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { type CacheDevice, type CacheOptions, connectCache } from '@blockyard/cache';
import { ControlledBase, createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import type { WarmStartEvent } from '../lists/events.js';
import type { WarmStartOptions } from '../lists/options.js';
import { type Remembering, warmStart } from '../warm-start.js';

export const SECTOR = 512;
/** Sectors of a line. */
export const LINE = 8;
/** Sectors of a MiB. */
export const MIB = 2 ** 20 / SECTOR;

/** The system's time, by which nothing yields to the event loop: what a test sees must not depend on how fast the machine is. */
const STEADY = { now: systemClock.now, set: systemClock.set, clear: systemClock.clear };

export interface Life {
  readonly cache: CacheDevice & Remembering;
  readonly base: ControlledBase;
  /** Moves the time of the lists. */
  readonly clock: ManualClock;
  readonly events: WarmStartEvent[];
  /** First sectors of what the base was asked for, in its order. */
  readonly reads: number[];
}

/** A volume that is opened, used, and opened again, with a cache and lists beside it. */
export class Volume {
  readonly folder: string;
  readonly #memory = createMemory({ sectorSize: SECTOR, sizeSectors: 8 * MIB });

  constructor(folder: string) {
    this.folder = folder;
    this.#memory.bytes.fill(7);
  }

  static async make(): Promise<Volume> {
    return new Volume(await mkdtemp(join(tmpdir(), 'blockyard-warm-start-')));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** @param prepare is given the base before anything is asked of it */
  async open(
    options: Partial<WarmStartOptions>,
    prepare: (base: ControlledBase) => void = () => {},
    cacheOptions: CacheOptions = {},
  ): Promise<Life> {
    const reads: number[] = [];
    const base = new ControlledBase(noting(createReferenceDevice(this.#memory, { clock: STEADY }), reads));
    prepare(base);
    const clock = new ManualClock({ strict: true });
    const events: WarmStartEvent[] = [];
    const cache = await connectCache(base, {
      lineSize: LINE * SECTOR,
      maxSizeBytes: 16 << 20,
      readAhead: false,
      seed: 1,
      clock: STEADY,
      ...cacheOptions,
    });
    const warm = await warmStart(cache, { volume: 'one', clock, onEvent: (event) => events.push(event), ...options });
    return { cache: warm, base, clock, events, reads };
  }
}

function noting(device: BlockDevice, reads: number[]): BlockDevice {
  const read = device.read.bind(device);
  return Object.assign(device, {
    read: (start: number, buffers: readonly Uint8Array[]) => {
      reads.push(start);
      return read(start, buffers);
    },
  });
}

/** Reads a range, and forgets it. */
export async function readRange(device: BlockDevice, start: number, count: number): Promise<void> {
  await device.read(start, [new Uint8Array(count * SECTOR)]);
}
