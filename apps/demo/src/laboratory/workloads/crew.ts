import type { Clock } from '@blockyard/block';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { VerifiedDevice } from '../model/verified-device.js';
import type { Step, Stream, Workload } from './workload.js';

/** After a failure a worker rests for so long. */
const FAILURE_REST_MS = 500;
/** What a stream is late it catches up with, but for what is later than this. */
const LATE_MS_MAX = 50;

/** What workloads have done in all. */
export interface WorkloadCounts {
  reads: number;
  writes: number;
  flushes: number;
  failed: number;
  /** Begun, and not ended. */
  inFlight: number;
}

export interface CrewOptions {
  readonly device: VerifiedDevice;
  readonly sizeSectors: number;
  readonly clock: Clock;
  readonly seed: number;
  readonly counts: WorkloadCounts;
  /** Reads and writes a second, asked for at each. */
  readonly ratePerSecond: () => number;
  readonly onFailure: (error: unknown) => void;
}

/** Does one workload, until it is told to end. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #sleepers = new Map<() => void, unknown>();
  #isOver = false;
  /** Resolves when all that was begun has ended, after `end`. */
  readonly ended: Promise<unknown>;

  constructor({ streams }: Workload, options: CrewOptions) {
    this.#options = options;
    const workers = streams.flatMap((stream, index) => {
      const schedule = new Schedule(stream, options, index);
      return Array.from({ length: stream.depth }, () => this.#work(schedule));
    });
    this.ended = Promise.all(workers);
  }

  /** Begins nothing from now on. */
  end(): void {
    this.#isOver = true;
    for (const [wake, timer] of this.#sleepers) {
      this.#options.clock.clear(timer);
      wake();
    }
    this.#sleepers.clear();
  }

  async #work(schedule: Schedule): Promise<void> {
    const { clock, counts, onFailure } = this.#options;
    while (!this.#isOver) {
      const { step, dueMs } = schedule.next();
      await this.#sleepUntil(dueMs);
      if (this.#isOver) return;
      counts.inFlight++;
      try {
        await this.#do(step);
      } catch (error) {
        counts.failed++;
        onFailure(error);
        await this.#sleepUntil(clock.now() + FAILURE_REST_MS);
      } finally {
        counts.inFlight--;
      }
    }
  }

  async #do(step: Exclude<Step, { do: 'rest' }>): Promise<void> {
    const { device, counts } = this.#options;
    switch (step.do) {
      case 'read':
        await device.read(step);
        counts.reads++;
        return;
      case 'write':
        if (await device.write(step)) counts.writes++;
        return;
      case 'flush':
        await device.flush();
        counts.flushes++;
    }
  }

  async #sleepUntil(dueMs: number): Promise<void> {
    const { clock } = this.#options;
    const delayMs = dueMs - clock.now();
    if (delayMs <= 0 || this.#isOver) return;
    await new Promise<void>((resolve) => {
      const timer = clock.set(() => {
        this.#sleepers.delete(resolve);
        resolve();
      }, delayMs);
      this.#sleepers.set(resolve, timer);
    });
  }
}

/** Tells when each step of a stream is to begin. */
class Schedule {
  readonly #steps: Generator<Step, never>;
  readonly #share: number;
  readonly #options: CrewOptions;
  #dueMs: number;

  constructor(stream: Stream, options: CrewOptions, index: number) {
    this.#steps = stream.steps(options.sizeSectors, xoroshiro128plus(options.seed + index));
    this.#share = stream.share;
    this.#options = options;
    this.#dueMs = options.clock.now();
  }

  next(): { readonly step: Exclude<Step, { do: 'rest' }>; readonly dueMs: number } {
    const { clock, ratePerSecond } = this.#options;
    const nowMs = clock.now();
    this.#dueMs = Math.max(this.#dueMs, nowMs - LATE_MS_MAX);
    for (;;) {
      const step = this.#steps.next().value;
      if (step.do === 'rest') {
        this.#dueMs = Math.max(this.#dueMs, nowMs) + step.restMs;
        continue;
      }
      const dueMs = this.#dueMs;
      if (step.do !== 'flush') this.#dueMs += 1000 / (this.#share * ratePerSecond());
      return { step, dueMs };
    }
  }
}
