import { checkInteger, checkIntegerBetween } from '@blockyard/block';
import { HEAT_MAX } from '../eviction/policy.js';
import { type HotRange, ReadPlan } from './read-plan.js';
import { WarmUp, type WarmUpContext, type WarmUpCounts, type WarmUpResult } from './warm-up.js';
import { checkWarmUpOptions, type WarmUpOptions } from './warm-up-options.js';

/** A gap that is read is at most one part in so many of the longest read. */
const GAPS_PER_READ = 4;

/** The warm-ups of a cache, all that there are at a time. */
export class WarmUps {
  readonly counts: WarmUpCounts = { reads: 0, readsInFlight: 0, readBytes: 0, lines: 0, linesUsed: 0, failures: 0 };
  readonly #context: WarmUpContext;
  readonly #running = new Set<WarmUp>();
  #isPaused = false;

  constructor(context: WarmUpContext) {
    this.#context = context;
  }

  /** Warm-ups under way. */
  get count(): number {
    return this.#running.size;
  }

  /** Brings ranges in, the first ones first. Throws `INVALID_ARGUMENT` for wrong ranges or options. */
  async run(ranges: readonly HotRange[], options: WarmUpOptions): Promise<WarmUpResult> {
    const checked = checkWarmUpOptions(options);
    const { sectorSize, sectorsPerLine, linesPerReadAhead } = this.#context.geometry;
    const maxGapSectors = (linesPerReadAhead * sectorsPerLine) / GAPS_PER_READ;
    const { maxOverreadShare } = checked;
    const plan = new ReadPlan(ranges, { sectorSize, maxOverreadShare, maxGapSectors }, checkHotRange);
    const warmUp = new WarmUp(this.#context, plan, checked, this.counts, this.#isPaused);
    this.#running.add(warmUp);
    try {
      return await warmUp.run();
    } finally {
      this.#running.delete(warmUp);
    }
  }

  /** A line that a warm-up brought in was asked for, or has left without. */
  settled(wasUsed: boolean): void {
    if (wasUsed) this.counts.linesUsed++;
  }

  pause(): void {
    this.#isPaused = true;
    for (const warmUp of this.#running) warmUp.pause();
  }

  resume(): void {
    this.#isPaused = false;
    for (const warmUp of this.#running) warmUp.resume();
  }

  /** For good. */
  end(): void {
    for (const warmUp of this.#running) warmUp.end();
  }
}

function checkHotRange({ start, count, heat }: HotRange): void {
  checkInteger(start, 'start');
  checkInteger(count, 'count');
  checkInteger(start + count, 'start + count');
  checkIntegerBetween(heat, 'heat', 0, HEAT_MAX);
}
