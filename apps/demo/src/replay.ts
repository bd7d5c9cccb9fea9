import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { BlockDevice } from '@blockyard/block';
import { SECTOR_SIZE } from './inputs/settings.js';
import type { Operation, Workload } from './inputs/workload.js';

/** A flush comes after as many operations. */
export const FLUSH_EVERY = 500;

/** Nanoseconds: an hour, which no operation takes, and the number of digits that count. */
const HISTOGRAM = { lowest: 1, highest: 3_600_000_000_000, figures: 3 };

export interface Replay {
  /** From the first operation to the end of the last flush. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Reads that did not give what was written last. */
  readonly differingReads: number;
}

/**
 * Runs the workload, one operation of each client at a time. `contents` is what is on the device at first, and is changed like
 * the device, so that every read can be checked: no one else writes where a client reads.
 */
export async function replay(
  device: BlockDevice,
  workload: Workload,
  contents: Uint8Array,
  onProgress: (doneOperations: number) => void,
): Promise<Replay> {
  const run = new Run(device, workload, contents, onProgress);
  const start = performance.now();
  await Promise.all(workload.clients.map((operations) => run.client(operations)));
  await device.flush();
  const seconds = (performance.now() - start) / 1000;
  const { latency, differingReads } = run;
  return { seconds, p50Ms: latency.percentile(50) / 1e6, p99Ms: latency.percentile(99) / 1e6, differingReads };
}

class Run {
  readonly latency: RecordableHistogram = createHistogram(HISTOGRAM);
  differingReads = 0;
  readonly #device: BlockDevice;
  readonly #pool: Uint8Array;
  readonly #contents: Uint8Array;
  readonly #onProgress: (doneOperations: number) => void;
  #done = 0;
  #failed = false;

  constructor(device: BlockDevice, workload: Workload, contents: Uint8Array, onProgress: (done: number) => void) {
    this.#device = device;
    this.#pool = workload.pool;
    this.#contents = contents;
    this.#onProgress = onProgress;
  }

  async client(operations: readonly Operation[]): Promise<void> {
    try {
      for (const operation of operations) {
        if (this.#failed) return;
        if (operation.type === 'read') await this.#read(operation);
        else await this.#write(operation);
        if (++this.#done % FLUSH_EVERY !== 0) continue;
        this.#onProgress(this.#done);
        await this.#device.flush();
      }
    } catch (error) {
      // The others need not go on.
      this.#failed = true;
      throw error;
    }
  }

  async #read({ positionBytes, lengthBytes }: Operation): Promise<void> {
    const buffer = new Uint8Array(lengthBytes);
    await this.#timed(() => this.#device.read(positionBytes / SECTOR_SIZE, [buffer]));
    const expected = this.#contents.subarray(positionBytes, positionBytes + lengthBytes);
    if (Buffer.compare(buffer, expected) !== 0) this.differingReads++;
  }

  async #write({ positionBytes, lengthBytes, poolBytes }: Operation): Promise<void> {
    const bytes = this.#pool.subarray(poolBytes, poolBytes + lengthBytes);
    await this.#timed(() => this.#device.write(positionBytes / SECTOR_SIZE, [bytes]));
    this.#contents.set(bytes, positionBytes);
  }

  async #timed(call: () => Promise<void>): Promise<void> {
    const start = process.hrtime.bigint();
    await call();
    const elapsed = process.hrtime.bigint() - start;
    this.latency.record(elapsed > 0n ? elapsed : 1n);
  }
}
