import { BlockError, type Clock, invariant, isBlockError } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { BlockMap } from '@blockyard/cache';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { SECTOR_SIZE } from '../../inputs/settings.js';
import { type CrashReport, checkAfterCrash, countWrong } from '../model/check-all.js';
import { VerifiedDevice, type WrongRead } from '../model/verified-device.js';
import { type Checkpoint, type Range, VolumeModel } from '../model/volume-model.js';
import type { MapRange, ServerLook, WireState } from '../server/calls.js';
import { ServerProcess } from '../server/server-process.js';
import type { Setup } from '../setup/setup.js';
import { WorkloadRunner } from '../workloads/runner.js';
import type { Workload } from '../workloads/workload.js';
import { type Place, Places } from './places.js';
import { type Serving, serve } from './serving.js';

/** Sectors of one write when the volume is filled or broken, and writes at once. */
const FILL_SECTORS = 256;
const BREAK_SECTORS = 16;
const WRITES_MAX = 8;
/** The part of the volume that a faulty program writes over. */
const BROKEN_SHARE = 1 / 4;

export interface BenchOptions {
  /** A folder of its own, for volumes and sockets. */
  readonly directory: string;
  /** Path of the script of the process that serves the volume. */
  readonly program: string;
  readonly sizeBytes: number;
  readonly clock: Clock;
  readonly seed: number;
  readonly workload: Workload;
  readonly ratePerSecond: number;
  /** A read gave what it must not. */
  readonly onWrong: (wrong: WrongRead) => void;
  /** A request of the workload failed. */
  readonly onFailure: (error: unknown) => void;
  /** The process that serves the volume has ended, though no one here has ended it. */
  readonly onGone: (how: string) => void;
}

/** A volume with all that it takes to have one under load: the store, the process that serves it, a client, a workload, a model. */
export class Bench {
  readonly runner: WorkloadRunner;
  readonly #options: BenchOptions;
  readonly #sizeSectors: number;
  readonly #places: Places;
  #model: VolumeModel;
  #wire: WireState = { latencyMs: 0, isCut: false };
  #place: Place | undefined;
  #process: ServerProcess | undefined;
  #serving: Serving | undefined;
  #device: VerifiedDevice | undefined;
  #openings = 0;
  #isOver = false;

  constructor(options: BenchOptions) {
    const { directory, sizeBytes, clock, seed, workload, ratePerSecond, onFailure } = options;
    this.#options = options;
    this.#sizeSectors = sizeBytes / SECTOR_SIZE;
    this.#model = new VolumeModel(this.#sizeSectors);
    this.#places = new Places(directory, clock);
    this.runner = new WorkloadRunner(workload, ratePerSecond, {
      sizeSectors: this.#sizeSectors,
      clock,
      seed,
      onFailure,
    });
  }

  get sizeBytes(): number {
    return this.#options.sizeBytes;
  }

  /** Whether a volume is served. */
  get isServing(): boolean {
    return this.#serving !== undefined;
  }

  /** Whether there is a volume that outlives the process that serves it. */
  get isLasting(): boolean {
    return this.#place?.isLasting === true;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Bytes that a crash may take back to what was flushed last. */
  get unflushedBytes(): number {
    return this.#model.unflushedSectors * SECTOR_SIZE;
  }

  /** Changes with each process and each cache. */
  get openings(): number {
    return this.#openings;
  }

  /** Removes the volume that there is, makes another, fills it, and begins the workload. */
  async make(setup: Setup): Promise<void> {
    await this.#remove();
    const place = await this.#places.next(setup, this.sizeBytes);
    const process = await this.#start();
    this.#place = place;
    this.#model = new VolumeModel(this.#sizeSectors);
    if (place.isCreated) await process.call('create', { uri: place.uri, sizeBytes: this.sizeBytes });
    const device = await this.#open(setup);
    await this.#writeAll(device, rangesOf(this.#sizeSectors));
    await device.flush();
    this.runner.resume(device);
  }

  /** Flushes and closes the volume, and opens it again with another cache, or none. */
  async reopen(setup: Setup): Promise<void> {
    const device = await this.#quiet();
    await device.flush();
    await this.#close();
    this.runner.resume(await this.#open(setup));
  }

  /** Ends the process as a loss of power would, and whatever waits for it. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.kill();
    await this.#abandon();
  }

  /** Starts another process for the volume, reads all of it, and goes on with the workload. */
  async restart(setup: Setup): Promise<CrashReport> {
    await this.kill();
    await this.#start();
    const device = await this.#open(setup);
    invariant(this.#serving !== undefined, 'it is open');
    const report = await checkAfterCrash(this.#serving.client, this.#model);
    await device.flush();
    this.runner.resume(device);
    return report;
  }

  async flush(): Promise<void> {
    await this.#now.flush();
  }

  /** Keeps what the volume has at this moment under a name, and remembers it. */
  async takeSnapshot(name: string): Promise<Checkpoint> {
    const device = await this.#quiet();
    try {
      await device.flush();
      await this.#server.call('takeSnapshot', name);
      return this.#model.checkpoint();
    } finally {
      this.runner.resume(device);
    }
  }

  async deleteSnapshot(name: string): Promise<void> {
    await this.#server.call('deleteSnapshot', name);
  }

  /** Makes the volume what it was, and counts the sectors that are not. */
  async rollBack(name: string, checkpoint: Checkpoint, setup: Setup): Promise<number> {
    await this.#quiet();
    await this.#close();
    invariant(this.#place !== undefined, 'there is a volume');
    await this.#server.call('rollBack', { uri: this.#place.uri, name });
    this.#model.restore(checkpoint);
    const device = await this.#open(setup);
    const wrong = await this.#countWrong();
    this.runner.resume(device);
    return wrong;
  }

  /** Reads all of the volume, and counts the sectors that are not what was written. */
  async check(): Promise<number> {
    const device = await this.#quiet();
    try {
      return await this.#countWrong();
    } finally {
      this.runner.resume(device);
    }
  }

  /** Writes over a part of the volume, here and there, as a faulty program does. Gives the bytes. */
  async breakSome(): Promise<number> {
    const random = xoroshiro128plus(this.#options.seed + this.#openings);
    const count = Math.ceil((this.#sizeSectors * BROKEN_SHARE) / BREAK_SECTORS);
    const places = this.#sizeSectors / BREAK_SECTORS;
    const ranges = Array.from({ length: count }, () => ({
      start: uniformInt(random, 0, places - 1) * BREAK_SECTORS,
      count: BREAK_SECTORS,
    }));
    await this.#writeAll(this.#now, ranges);
    return count * BREAK_SECTORS * SECTOR_SIZE;
  }

  async setWire(wire: WireState): Promise<void> {
    this.#wire = wire;
    await this.#places.setWire(wire);
    await this.#process?.call('setWire', wire);
  }

  /** Resolves when the cache holds no more than that. */
  async setCacheBytes(sizeBytes: number): Promise<void> {
    await this.#server.call('setCacheBytes', sizeBytes);
  }

  /** What the process that serves the volume has to tell; undefined while none does. */
  async look(): Promise<ServerLook | undefined> {
    if (this.#serving === undefined) return undefined;
    try {
      return await this.#process?.call('look');
    } catch (error) {
      if (isBlockError(error, 'UNAVAILABLE')) return undefined;
      throw error;
    }
  }

  /** The states of a range in at most so many cells; `UNSUPPORTED` without a cache. */
  async map(range: MapRange): Promise<BlockMap> {
    return this.#server.call('map', range);
  }

  /** Ends what is under way, at once, and begins nothing again. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.kill();
  }

  /** Ends the rest, when nothing is under way. */
  async stop(): Promise<void> {
    await this.end();
    await this.#places.stop();
  }

  get #server(): ServerProcess {
    if (this.#process === undefined) throw new BlockError('UNAVAILABLE', 'no process serves the volume');
    return this.#process;
  }

  get #now(): VerifiedDevice {
    if (this.#device === undefined) throw new BlockError('UNAVAILABLE', 'the volume is not open');
    return this.#device;
  }

  async #start(): Promise<ServerProcess> {
    const env = { ...process.env, ...(await this.#places.env()) };
    if (this.#isOver) throw new BlockError('DISCONNECTED', 'the laboratory has ended');
    const started = new ServerProcess(this.#options.program, env);
    this.#process = started;
    started.ended.then((how) => {
      if (this.#process !== started) return;
      this.#process = undefined;
      this.#options.onGone(how);
    });
    await started.call('setWire', this.#wire);
    return started;
  }

  async #open(setup: Setup): Promise<VerifiedDevice> {
    invariant(this.#place !== undefined, 'there is a volume');
    this.#openings++;
    this.#serving = await serve(this.#server, this.#place, setup, this.#options.directory);
    this.#device = new VerifiedDevice(this.#serving.client, this.#model, this.#options.onWrong);
    return this.#device;
  }

  /** The device, with nothing under way. */
  async #quiet(): Promise<VerifiedDevice> {
    const device = this.#now;
    await this.runner.pause();
    return device;
  }

  async #close(): Promise<void> {
    await this.#abandon();
    await this.#server.call('close');
  }

  async #abandon(): Promise<void> {
    const serving = this.#serving;
    this.#serving = undefined;
    this.#device = undefined;
    await serving?.abandon();
    await this.runner.pause();
  }

  async #remove(): Promise<void> {
    const place = this.#place;
    this.#place = undefined;
    if (this.#process !== undefined && this.#serving !== undefined) {
      await this.#close();
      if (place?.isLasting === true && place.folder === undefined) await this.#server.call('delete', place.uri);
    }
    await this.kill();
    if (place !== undefined) await this.#places.remove(place);
  }

  async #countWrong(): Promise<number> {
    invariant(this.#serving !== undefined, 'the volume is open');
    return countWrong(this.#serving.client, this.#model);
  }

  async #writeAll(device: VerifiedDevice, ranges: Iterable<Range>): Promise<void> {
    await forEachParallel(ranges, { maxConcurrency: WRITES_MAX }, async (range) => {
      await device.write(range);
    });
  }
}

function* rangesOf(sizeSectors: number): Iterable<Range> {
  for (let start = 0; start < sizeSectors; start += FILL_SECTORS) {
    yield { start, count: Math.min(FILL_SECTORS, sizeSectors - start) };
  }
}
