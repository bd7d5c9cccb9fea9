import {
  type BlockDevice,
  type BlockDriver,
  createDevice,
  type Extent,
  extentsOfData,
  type Operation,
} from '@blockyard/block';
import { CrashMedium, type MediumChange, type MediumEvent } from './crash-medium.js';
import type { CrashState } from './crash-states.js';
import { sectorViews } from './sector-views.js';
import type { Shape } from './shape.js';

/** A device that records what it does, so that every crash it might suffer can be played. */
export interface Recording {
  readonly device: BlockDevice;
  /** What is on it now, and what a crash now may leave. */
  readonly medium: CrashMedium;
  /** Every event since the beginning, for `replay` up to any of them. */
  readonly log: readonly MediumEvent[];
}

/** Options of {@link createRecording}. */
export interface RecordingOptions {
  /** Called between the beginning and the end of each operation, which then is in flight. Default: no wait. */
  readonly pace?: (operation: Operation) => Promise<void>;
  /** Called after each event was recorded. Must not throw: it would be an error of the device. */
  readonly onEvent?: (event: MediumEvent) => void;
}

/**
 * A sparse device of zeroes that records.
 *
 * @example
 * ```ts
 * import { crashStates, createRecording } from '@blockyard/conformance/testing';
 *
 * const { device, medium } = createRecording({ sectorSize: 512, sizeSectors: 8 });
 * await device.write(0, [new Uint8Array(512).fill(1)]); // not flushed: a crash may lose it
 * console.log([...crashStates(medium)].length); // 2
 * ```
 */
export function createRecording(shape: Shape, options: RecordingOptions = {}): Recording {
  return record(shape, new CrashMedium(shape), options);
}

/** A device on what a crash left, which it holds for durable. */
export function openCrashState(state: CrashState, options: RecordingOptions = {}): Recording {
  return record(state, new CrashMedium(state, state.sectors), options);
}

function record(shape: Shape, medium: CrashMedium, options: RecordingOptions): Recording {
  const log: MediumEvent[] = [];
  const recorder = new Recorder(medium, log, options);
  return { device: createDevice(recordingDriver(shape, medium, recorder)), medium, log };
}

class Recorder {
  readonly #medium: CrashMedium;
  readonly #log: MediumEvent[];
  readonly #options: RecordingOptions;
  #ids = 0;

  constructor(medium: CrashMedium, log: MediumEvent[], options: RecordingOptions) {
    this.#medium = medium;
    this.#log = log;
    this.#options = options;
  }

  async pace(operation: Operation): Promise<void> {
    await this.#options.pace?.(operation);
  }

  /** Begins the change, is in flight for a while, and accepts it. */
  async carryOut(operation: Operation, event: MediumChange): Promise<void> {
    this.#ids++;
    const id = this.#ids;
    this.#note({ ...event, id });
    await this.pace(operation);
    this.#note({ type: 'accepted', id });
  }

  #note(event: MediumEvent): void {
    this.#medium.record(event);
    this.#log.push(event);
    this.#options.onEvent?.(event);
  }
}

function recordingDriver({ sectorSize, sizeSectors }: Shape, medium: CrashMedium, recorder: Recorder): BlockDriver {
  const zero = (operation: Operation) => (start: number, count: number) =>
    recorder.carryOut(operation, { type: 'zero', start, count });
  return {
    name: 'recording',
    sectorSize,
    sizeSectors,
    async read(start, buffers) {
      await recorder.pace('read');
      for (const [i, view] of sectorViews(buffers, sectorSize).entries()) {
        const contents = medium.current(start + i);
        if (contents === undefined) view.fill(0);
        else view.set(contents);
      }
    },
    write: (start, buffers) =>
      recorder.carryOut('write', {
        type: 'write',
        start,
        sectors: sectorViews(buffers, sectorSize).map((view) => new Uint8Array(view)),
      }),
    flush: (range) => recorder.carryOut('flush', { type: 'flush', range }),
    resize: (size) => recorder.carryOut('resize', { type: 'resize', sizeSectors: size }),
    discard: zero('discard'),
    writeZeroes: zero('writeZeroes'),
    async extents(start, count) {
      await recorder.pace('extents');
      return extentsOf(medium, start, count);
    },
    disconnect: () => recorder.pace('disconnect'),
  };
}

/** Sectors that hold something, each an extent, and what lies between them. */
function extentsOf(medium: CrashMedium, start: number, count: number): Extent[] {
  const inRange = medium.touched().filter((sector) => sector >= start && sector < start + count);
  const data = inRange.filter((sector) => medium.current(sector) !== undefined).sort((a, b) => a - b);
  return extentsOfData(
    start,
    count,
    data.map((sector) => ({ start: sector, count: 1 })),
  );
}
