import { type BlockDevice, isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { ControlledBase } from '../bases/controlled-base.js';
import { createRecording, type RecordingOptions } from '../bases/recording.js';
import type { Context, Wrapped } from './case.js';
import { InFlight } from './in-flight.js';
import { type ConformanceOptions, DEADLINE_MS, RUNS, type Subject, type Volume, WATCH_MS } from './subject.js';
import { within } from './within.js';

const DEVICE_BYTES = 200_000;
const DEVICE_SECTORS_MIN = 19;
/** States that are looked at after one crash: each costs two openings. */
const CRASH_STATES_MAX = 6;
/** How long a device that was given up may keep its lock: until what it had in flight is over. */
const LOCK_MS_MAX = 5000;

/** The context of one case: opens what the case asks for and remembers it, to close it again. */
export class CaseContext implements Context {
  readonly subject: Subject;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly runs: number;
  readonly seed: number | undefined;
  readonly deadlineMs: number;
  readonly watchMs: number;
  readonly #options: ConformanceOptions;
  readonly #inFlight: InFlight;
  readonly #devices: BlockDevice[] = [];
  readonly #bases: ControlledBase[] = [];
  readonly #volumes: Volume[] = [];

  constructor(subject: Subject, sectorSize: number, options: ConformanceOptions, inFlight = new InFlight()) {
    this.subject = subject;
    this.sectorSize = sectorSize;
    this.sizeSectors = Math.max(DEVICE_SECTORS_MIN, Math.floor(DEVICE_BYTES / sectorSize));
    this.runs = options.runs ?? RUNS;
    this.seed = options.seed;
    this.deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.watchMs = options.watchMs ?? WATCH_MS;
    this.#options = options;
    this.#inFlight = inFlight;
  }

  async create(sizeSectors = this.sizeSectors): Promise<Volume> {
    const created = this.subject.create({ sectorSize: this.sectorSize, sizeSectors });
    const volume = await this.#inFlight.follow(created, () => `create of ${sizeSectors} sectors`);
    this.#volumes.push(volume);
    return volume;
  }

  async connect(volume: Volume, options?: { readonly readOnly?: boolean }): Promise<BlockDevice> {
    const endsAtMs = performance.now() + LOCK_MS_MAX;
    for (;;) {
      try {
        return this.#opened(await this.#inFlight.follow(volume.connect(options), () => 'connect'));
      } catch (error) {
        if (!isBlockError(error, 'LOCKED') || performance.now() > endsAtMs) throw error;
        await macrotasks(1);
      }
    }
  }

  async open(sizeSectors?: number): Promise<BlockDevice> {
    return this.connect(await this.create(sizeSectors));
  }

  async crash(volume: Volume, device: BlockDevice, seed: number): Promise<readonly Volume[]> {
    // Nothing may come between the call and this.
    const states = volume.crashStates?.({ maxStates: CRASH_STATES_MAX, seed });
    if (states !== undefined) this.#volumes.push(...states);
    await device.disconnect({ force: true });
    return states ?? [volume];
  }

  async wrap(sizeSectors = this.sizeSectors, options: RecordingOptions = {}): Promise<Wrapped> {
    const recording = createRecording({ sectorSize: this.sectorSize, sizeSectors }, options);
    const base = new ControlledBase(recording.device);
    this.#bases.push(base);
    return { device: await this.over(base), base, recording };
  }

  async over(base: BlockDevice): Promise<BlockDevice> {
    if (this.subject.wrap === undefined) throw new Error(`${this.subject.name} cannot be wrapped around a base`);
    return this.#opened(await this.#inFlight.follow(this.subject.wrap(base), () => 'wrap'));
  }

  within<T>(work: Promise<T>, what: string, patience = 1): Promise<T> {
    return within(this.deadlineMs * patience, work, what, this.#inFlight);
  }

  async fresh(body: (context: Context) => Promise<void>): Promise<void> {
    const own = new CaseContext(this.subject, this.sectorSize, this.#options, this.#inFlight);
    let passed = false;
    try {
      await body(own);
      passed = true;
    } finally {
      const closed = this.within(own.#close(), 'closing what the case opened');
      // What went wrong first is what matters.
      await (passed ? closed : closed.catch(() => {}));
    }
  }

  #opened(device: BlockDevice): BlockDevice {
    const watched = this.#inFlight.watch(device);
    this.#devices.push(watched);
    return watched;
  }

  /** Ends all devices, by force if they will not end otherwise, then frees the volumes. */
  async #close(): Promise<void> {
    for (const base of this.#bases) {
      base.heal();
      base.release();
    }
    for (const device of this.#devices) {
      await device.disconnect().catch(() => device.disconnect({ force: true }));
    }
    for (const volume of this.#volumes) await this.#inFlight.follow(volume.dispose(), () => 'dispose');
  }
}
