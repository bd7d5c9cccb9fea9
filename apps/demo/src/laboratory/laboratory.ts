import { BlockError, type Clock, invariant } from '@blockyard/block';
import { formatSize } from '@blockyard/uri';
import { Bench } from './bench/bench.js';
import { Cut } from './cut.js';
import type { WrongRead } from './model/verified-device.js';
import type { Checkpoint } from './model/volume-model.js';
import { FIRST_LATENCY_MS, FIRST_RATE, FIRST_SETUP, type Setup } from './setup/setup.js';
import { Story } from './story.js';
import { afterCheck, afterCrash, afterRollBack, nameOf, secondsSince } from './telling.js';
import { FIRST_WORKLOAD } from './workloads/all.js';
import type { Workload } from './workloads/workload.js';

export interface LaboratoryOptions {
  /** A folder of its own, for volumes and sockets. */
  readonly directory: string;
  /** Path of the script of the process that serves the volume. */
  readonly program: string;
  readonly sizeBytes: number;
  readonly clock: Clock;
  readonly seed: number;
  /** Left out: what it usually begins with. */
  readonly setup?: Setup;
  readonly latencyMs?: number;
}

/** Changes of the cache's size that wait for the store, at most. */
const RESIZES_MAX = 8;
/** Failures of the workload are told no more often than this. */
const FAILURE_TOLD_MS = 5000;
/** Wrong reads that are told one by one. */
const WRONG_TOLD_MAX = 10;

/** A snapshot, and what the volume held. */
interface Kept {
  readonly name: string;
  readonly checkpoint: Checkpoint;
}

/**
 * A volume to play with: it is under load, every read is compared with what was written, and what happens to it is told.
 *
 * There is one change at a time. A method that begins one returns at once, and throws `LOCKED` where another is under way; how
 * it ended is in the story.
 */
export class Laboratory {
  readonly story: Story;
  readonly #clock: Clock;
  readonly #bench: Bench;
  readonly #cut: Cut;
  #setup: Setup;
  #latencyMs: number;
  #kept: Kept | undefined;
  #isBroken = false;
  #snapshots = 0;
  #changing: string | undefined;
  #change: Promise<void> = Promise.resolve();
  #resizes = 0;
  #isFlushing = false;
  #wrongReads = 0;
  #failureToldMs = Number.NEGATIVE_INFINITY;
  #isOver = false;

  constructor({ setup = FIRST_SETUP, latencyMs = FIRST_LATENCY_MS, ...options }: LaboratoryOptions) {
    const { clock } = options;
    this.#clock = clock;
    this.#setup = setup;
    this.#latencyMs = latencyMs;
    this.story = new Story(clock);
    this.#cut = new Cut(clock, () => this.bringBack('by itself: no one lets a store be away for longer here'));
    this.#bench = new Bench({
      ...options,
      workload: FIRST_WORKLOAD,
      ratePerSecond: FIRST_RATE,
      onWrong: (wrong) => this.#wrong(wrong),
      onFailure: (error) => this.#failed(error),
      onGone: (how) => this.#gone(how),
    });
  }

  get setup(): Setup {
    return this.#setup;
  }

  get latencyMs(): number {
    return this.#latencyMs;
  }

  get workload(): Workload {
    return this.#bench.runner.workload;
  }

  get ratePerSecond(): number {
    return this.#bench.runner.ratePerSecond;
  }

  get isCut(): boolean {
    return this.#cut.isCut;
  }

  get isFlushing(): boolean {
    return this.#isFlushing;
  }

  /** The change that is under way, as the end of "while"; undefined if none is. */
  get changing(): string | undefined {
    return this.#changing;
  }

  /** Resolves when the change that is under way has ended. */
  get settled(): Promise<void> {
    return this.#change;
  }

  get hasSnapshot(): boolean {
    return this.#kept !== undefined;
  }

  /** Whether something was broken since the last snapshot. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Reads, and sectors of a check, that gave what they must not. */
  get wrongReads(): number {
    return this.#wrongReads;
  }

  /** What is tried: for what it has to tell. */
  get bench(): Pick<
    Bench,
    'isServing' | 'isLasting' | 'sizeBytes' | 'unflushedBytes' | 'openings' | 'pid' | 'look' | 'map'
  > & { readonly runner: Pick<Bench['runner'], 'counts' | 'canChange'> } {
    return this.#bench;
  }

  /** Makes the first volume. */
  start(): void {
    this.#begin('the first volume is made', async () => {
      await this.#setWire();
      await this.#make();
    });
  }

  /** Another backend or layout is another volume; with or without a cache it is the same, where it outlives its process. */
  setUp(setup: Setup): void {
    const before = this.#setup;
    const isSameVolume = before.backend === setup.backend && before.layout === setup.layout && this.#bench.isServing;
    if (isSameVolume && this.#bench.isLasting) {
      this.#begin('the volume is opened anew', async () => {
        await this.#bench.reopen(setup);
        this.#setup = setup;
        this.story.tell(
          `The volume was flushed, closed, and opened again ${setup.hasCache ? 'behind a cache' : 'without a cache'}.`,
        );
      });
      return;
    }
    this.#begin('another volume is made', async () => {
      this.#setup = setup;
      await this.#make();
    });
  }

  setCacheBytes(cacheBytes: number): void {
    if (this.#resizes >= RESIZES_MAX) throw new BlockError('LOCKED', 'sizes chosen before still wait for the store');
    this.#setup = { ...this.#setup, cacheBytes };
    this.#resizes++;
    this.#bench
      .setCacheBytes(cacheBytes)
      .catch((error: Error) =>
        this.story.tell(`The cache could not become ${formatSize(cacheBytes)}: ${error.message}.`),
      )
      .finally(() => this.#resizes--);
  }

  async setLatencyMs(latencyMs: number): Promise<void> {
    this.#latencyMs = latencyMs;
    await this.#setWire();
  }

  setWorkload(workload: Workload): void {
    this.#bench.runner.change(workload);
    this.story.tell(`The workload is now: ${workload.label}.`);
  }

  setRate(ratePerSecond: number): void {
    this.#bench.runner.ratePerSecond = ratePerSecond;
  }

  async cutOff(): Promise<void> {
    this.#cut.begin();
    await this.#setWire();
    this.story.tell(
      'The store is cut off. What the cache has is read, and writes go into it until it is full of them; all else waits.',
    );
  }

  async bringBack(how = ''): Promise<void> {
    const cutMs = this.#cut.end();
    await this.#setWire();
    const unflushedBytes = this.#bench.unflushedBytes;
    const waited = `${unflushedBytes === 0 ? 'Nothing' : formatSize(unflushedBytes)} waited for it`;
    this.story.tell(
      `The store is back${how === '' ? '' : ` ${how}`}, after ${(cutMs / 1000).toFixed(1)} s. ${waited}.`,
    );
    if (unflushedBytes > 0 && !this.#isFlushing) this.flush();
  }

  /** Begins a flush. */
  flush(): void {
    invariant(!this.#isFlushing, 'one flush is asked for at a time');
    const startMs = this.#clock.now();
    const bytes = this.#bench.unflushedBytes;
    this.#isFlushing = true;
    this.#bench
      .flush()
      .then(
        () => this.story.tell(`Flushed in ${secondsSince(startMs, this.#clock)}: ${formatSize(bytes)} became durable.`),
        (error: Error) => this.story.tell(`The flush failed, and claims nothing: ${error.message}.`),
      )
      .finally(() => {
        this.#isFlushing = false;
      });
  }

  /** Kills the process that serves the volume, and starts another. */
  killAndRestart(): void {
    const { pid } = this.#bench;
    this.#begin('the server starts again', async () => {
      await this.#bench.kill();
      await this.#restart(
        pid === undefined ? 'There was no server.' : `The server, process ${pid}, was killed (SIGKILL).`,
      );
    });
  }

  takeSnapshot(): void {
    this.#begin('a snapshot is taken', async () => {
      const before = this.#kept;
      const name = `snapshot-${++this.#snapshots}`;
      const startMs = this.#clock.now();
      const checkpoint = await this.#bench.takeSnapshot(name);
      this.#kept = { name, checkpoint };
      this.#isBroken = false;
      this.story.tell(
        `A snapshot of ${formatSize(this.#bench.sizeBytes)}, ${name}, was taken in ${secondsSince(startMs, this.#clock)}.`,
      );
      if (before !== undefined) await this.#bench.deleteSnapshot(before.name);
    });
  }

  breakSomething(): void {
    this.#begin('something is broken', async () => {
      this.#isBroken = true;
      const bytes = await this.#bench.breakSome();
      this.story.tell(`A faulty program has written over ${formatSize(bytes)}, here and there.`);
    });
  }

  rollBack(): void {
    const kept = this.#kept;
    invariant(kept !== undefined, 'there is a snapshot');
    this.#begin('the volume is rolled back', async () => {
      const startMs = this.#clock.now();
      const wrong = await this.#bench.rollBack(kept.name, kept.checkpoint, this.#setup);
      this.#isBroken = false;
      this.#wrongReads += wrong;
      this.story.tell(afterRollBack(kept.name, wrong, this.#bench.sizeBytes, secondsSince(startMs, this.#clock)));
    });
  }

  /** Reads all of the volume, and compares. */
  check(): void {
    this.#begin('everything is read and compared', async () => {
      const startMs = this.#clock.now();
      const wrong = await this.#bench.check();
      this.#wrongReads += wrong;
      this.story.tell(afterCheck(wrong, this.#bench.sizeBytes, secondsSince(startMs, this.#clock)));
    });
  }

  /** Ends everything, whatever is under way. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#cut.end();
    await this.#bench.end();
    await this.#change;
    await this.#bench.stop();
  }

  #begin(changing: string, change: () => Promise<void>): void {
    if (this.#changing !== undefined) throw new BlockError('LOCKED', `${this.#changing} at the moment`);
    if (this.#isOver) throw new BlockError('DISCONNECTED', 'the laboratory has ended');
    this.#changing = changing;
    this.#change = change()
      .catch((error: Error) => {
        if (!this.#isOver) this.story.tell(`That failed, while ${changing}: ${error.message}.`);
      })
      .finally(() => {
        this.#changing = undefined;
      });
  }

  async #make(): Promise<void> {
    this.#kept = undefined;
    this.#isBroken = false;
    const startMs = this.#clock.now();
    await this.#bench.make(this.#setup);
    const seconds = secondsSince(startMs, this.#clock);
    const what = `${formatSize(this.#bench.sizeBytes)} in ${nameOf(this.#setup)}`;
    this.story.tell(`A volume of ${what}, was made and filled in ${seconds}; process ${this.#bench.pid} serves it.`);
  }

  async #restart(why: string): Promise<void> {
    const unflushedBytes = this.#bench.unflushedBytes;
    if (!this.#bench.isLasting) {
      this.story.tell(`${why} Its memory was the volume, which is gone: that is what memory promises.`);
      await this.#make();
      return;
    }
    this.story.tell(`${why} ${formatSize(unflushedBytes)} had been written and not flushed.`);
    const startMs = this.#clock.now();
    const report = await this.#bench.restart(this.#setup);
    this.#wrongReads += report.lost + report.invented;
    this.story.tell(afterCrash(report, secondsSince(startMs, this.#clock)));
  }

  #gone(how: string): void {
    if (this.#isOver || this.#changing !== undefined) return;
    this.#begin('the server starts again', () => this.#restart(`The server ended ${how}, and no one here ended it.`));
  }

  async #setWire(): Promise<void> {
    await this.#bench.setWire({ latencyMs: this.#latencyMs, isCut: this.#cut.isCut });
  }

  #wrong({ sector, version }: WrongRead): void {
    this.#wrongReads++;
    if (this.#wrongReads > WRONG_TOLD_MAX) return;
    const what = version === undefined ? 'contents that were never written there' : `version ${version}`;
    this.story.tell(`WRONG: a read of sector ${sector} gave ${what}. This must not be: please report it.`);
  }

  #failed(error: unknown): void {
    const nowMs = this.#clock.now();
    if (this.#changing !== undefined || nowMs - this.#failureToldMs < FAILURE_TOLD_MS) return;
    this.#failureToldMs = nowMs;
    this.story.tell(`A request failed: ${(error as Error).message}.`);
  }
}
