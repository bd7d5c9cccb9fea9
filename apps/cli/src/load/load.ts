import { type BlockDevice, systemClock } from '@blockyard/block';
import { yielderOf } from '@blockyard/block/async';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { Tally } from './latency.js';
import { Timeline } from './timeline.js';

export const PATTERNS = ['random', 'sequential', 'zipf'] as const;
export type Pattern = (typeof PATTERNS)[number];

/** What is done to a device. */
export interface Load {
  readonly pattern: Pattern;
  /** Bytes of each operation: whole sectors. */
  readonly blockBytes: number;
  /** Blocks from the start of the device that are touched. */
  readonly blocks: number;
  /** Operations in flight. */
  readonly depth: number;
  /** Share of reads, 0 to 1; the rest are writes. */
  readonly readShare: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface LoadResult {
  readonly reads: Tally;
  readonly writes: Tally;
  readonly timeline: Timeline;
  readonly seconds: number;
}

/** Skew of `zipf`, as in the YCSB benchmark. */
const ZIPF_EXPONENT = 0.99;
const GOLDEN_SECTION = 0.618;

/** Does operations until the time is up, `depth` of them at once. Rejects with the first error, or when the signal fires. */
export async function runLoad(device: BlockDevice, load: Load, signal: AbortSignal): Promise<LoadResult> {
  const random = xoroshiro128plus(load.seed);
  const nextBlock = placesOf(load, random);
  const contents = randomBytes(load.blockBytes, random);
  const sectorsPerBlock = load.blockBytes / device.info.sectorSize;
  const reads = new Tally();
  const writes = new Tally();
  const timeline = new Timeline();
  const yielder = yielderOf(systemClock);
  const startMs = performance.now();
  const endMs = startMs + load.seconds * 1000;
  let failed = false;

  const worker = async () => {
    const buffer = new Uint8Array(load.blockBytes);
    try {
      for (let nowMs = performance.now(); nowMs < endMs && !failed; ) {
        signal.throwIfAborted();
        const start = nextBlock() * sectorsPerBlock;
        const isRead = uniformFloat64(random) < load.readShare;
        await (isRead ? device.read(start, [buffer]) : device.write(start, [contents]));
        const doneMs = performance.now();
        (isRead ? reads : writes).add(load.blockBytes, doneMs - nowMs);
        timeline.add(!isRead, load.blockBytes, doneMs - startMs);
        nowMs = doneMs;
        const yielded = yielder.spend(load.blockBytes);
        if (yielded === undefined) continue;
        await yielded;
        nowMs = performance.now();
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: load.depth }, worker));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return { reads, writes, timeline, seconds: (performance.now() - startMs) / 1000 };
}

/** The next block, as often as it is asked for. */
export function placesOf({ pattern, blocks }: Pick<Load, 'pattern' | 'blocks'>, random: RandomGenerator): () => number {
  if (pattern === 'sequential') {
    let next = 0;
    return () => {
      const block = next;
      next = (next + 1) % blocks;
      return block;
    };
  }
  if (pattern === 'random') return () => uniformInt(random, 0, blocks - 1);
  const place = spread(blocks);
  return () => place(zipfRank(uniformFloat64(random), blocks));
}

/**
 * A rank from 0, the more popular the smaller: the inverse of the continuous distribution whose density falls as
 * `1 / rank^ZIPF_EXPONENT`.
 */
function zipfRank(share: number, blocks: number): number {
  const power = 1 - ZIPF_EXPONENT;
  const rank = (1 + share * ((blocks + 1) ** power - 1)) ** (1 / power);
  return Math.min(blocks - 1, Math.floor(rank) - 1);
}

/** A place of its own for each rank: popular blocks are not neighbours, which would make every cache look good. */
function spread(blocks: number): (rank: number) => number {
  const count = BigInt(blocks);
  let step = BigInt(Math.max(1, Math.floor(blocks * GOLDEN_SECTION)));
  while (greatestCommonDivisor(step, count) !== 1n) step++;
  return (rank) => Number((BigInt(rank) * step) % count);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}

/** What no store can compress away or keep as a hole. */
function randomBytes(count: number, random: RandomGenerator): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = uniformInt(random, 1, 255);
  return bytes;
}
