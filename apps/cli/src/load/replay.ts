import { setTimeout } from 'node:timers/promises';
import { type BlockDevice, systemClock } from '@blockyard/block';
import { CALL_BYTES, yielderOf } from '@blockyard/block/async';
import type { Trace } from '../trace/trace.js';
import { Tally } from './latency.js';
import { Timeline } from './timeline.js';

/** Longer requests are split. Each that is in flight has a buffer of its own. */
const REQUEST_BYTES_MAX = 16 * 2 ** 20;
/** Traces do not tell what was written. */
const CONTENTS_BYTE = 0xa5;
/** Requests in flight when a trace's own times are kept. A device that cannot keep up is waited for from there on. */
export const TIMED_DEPTH_MAX = 1024;

export interface ReplayOptions {
  /** Requests in flight at most. */
  readonly depth: number;
  /** Keep the trace's own times. */
  readonly timed: boolean;
  readonly signal: AbortSignal;
}

export interface ReplayResult {
  readonly requests: number;
  readonly reads: Tally;
  readonly writes: Tally;
  readonly timeline: Timeline;
  readonly seconds: number;
  /** How late the latest request was sent, where the trace's times are kept. */
  readonly lateMsMax: number;
}

/** The end of the last byte that a trace touches. */
export function endOf({ offsets, lengths }: Trace): number {
  let end = 0;
  for (let i = 0; i < offsets.length; i++) end = Math.max(end, (offsets[i] ?? 0) + (lengths[i] ?? 0));
  return end;
}

/**
 * Sends the requests of a trace, begun in their order, each widened to whole sectors. Rejects with the first error, or when the
 * signal fires, after what is in flight has settled.
 */
export async function replay(device: BlockDevice, trace: Trace, options: ReplayOptions): Promise<ReplayResult> {
  return new Replay(device, trace, options).run();
}

class Replay {
  readonly #device: BlockDevice;
  readonly #trace: Trace;
  readonly #options: ReplayOptions;
  readonly #reads = new Tally();
  readonly #writes = new Tally();
  readonly #timeline = new Timeline();
  readonly #yielder = yielderOf(systemClock);
  #startMs = 0;
  #lateMsMax = 0;
  #next = 0;
  #done = 0;
  #failed = false;
  /** What is written: the same for all writes, larger as larger ones come. */
  #contents: Uint8Array = new Uint8Array(0);

  constructor(device: BlockDevice, trace: Trace, options: ReplayOptions) {
    this.#device = device;
    this.#trace = trace;
    this.#options = options;
  }

  async run(): Promise<ReplayResult> {
    this.#startMs = performance.now();
    const outcomes = await Promise.allSettled(Array.from({ length: this.#options.depth }, () => this.#work()));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    return {
      requests: this.#done,
      reads: this.#reads,
      writes: this.#writes,
      timeline: this.#timeline,
      seconds: (performance.now() - this.#startMs) / 1000,
      lateMsMax: this.#lateMsMax,
    };
  }

  async #work(): Promise<void> {
    const { signal, timed } = this.#options;
    let buffer: Uint8Array = new Uint8Array(0);
    try {
      while (this.#next < this.#trace.offsets.length && !this.#failed) {
        signal.throwIfAborted();
        const request = this.#next++;
        if (timed) await this.#untilDue(request);
        buffer = await this.#send(request, buffer);
        this.#done++;
        await this.#yielder.spend(CALL_BYTES + (this.#trace.lengths[request] ?? 0));
      }
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  async #untilDue(request: number): Promise<void> {
    const dueMs = this.#startMs + (this.#trace.timesMs?.[request] ?? 0);
    const { signal } = this.#options;
    // Timers count whole milliseconds and may end early. The last part of one is not worth a timer.
    for (let aheadMs = dueMs - performance.now(); aheadMs >= 1; aheadMs = dueMs - performance.now()) {
      await setTimeout(aheadMs, undefined, { signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
    }
    this.#lateMsMax = Math.max(this.#lateMsMax, performance.now() - dueMs);
  }

  #contentsOf(bytes: number): Uint8Array {
    if (this.#contents.byteLength < bytes) this.#contents = new Uint8Array(bytes).fill(CONTENTS_BYTE);
    return this.#contents.subarray(0, bytes);
  }

  /** Gives back the buffer for reads, a larger one if it had to grow. */
  async #send(request: number, buffer: Uint8Array): Promise<Uint8Array> {
    const { offsets, lengths, writes } = this.#trace;
    const offsetBytes = offsets[request] ?? 0;
    const lengthBytes = lengths[request] ?? 0;
    const isWrite = writes[request] === 1;
    const { sectorSize } = this.#device.info;
    const end = lengthBytes === 0 ? 0 : Math.ceil((offsetBytes + lengthBytes) / sectorSize);
    const sectorsMax = REQUEST_BYTES_MAX / sectorSize;
    const startMs = performance.now();
    let own = buffer;
    for (let at = Math.floor(offsetBytes / sectorSize); at < end; at += sectorsMax) {
      const bytes = Math.min(sectorsMax, end - at) * sectorSize;
      if (isWrite) {
        await this.#device.write(at, [this.#contentsOf(bytes)]);
        continue;
      }
      if (own.byteLength < bytes) own = new Uint8Array(bytes);
      await this.#device.read(at, [own.subarray(0, bytes)]);
    }
    const doneMs = performance.now();
    (isWrite ? this.#writes : this.#reads).add(lengthBytes, doneMs - startMs);
    this.#timeline.add(isWrite, lengthBytes, doneMs - this.#startMs);
    return own;
  }
}
