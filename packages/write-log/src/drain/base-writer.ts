import { type BlockDevice, BlockError } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { Change } from '../changes/change.js';
import type { ChangeReader } from '../medium/change-reader.js';
import { type Batch, type LastVersion, lastVersionsOf } from './batch.js';

/** Calls of the base in flight at once, where their order does not matter. */
const MAX_BASE_CONCURRENCY = 16;

/** Brings changes to the base. */
export class BaseWriter {
  readonly #base: BlockDevice;
  readonly #reader: ChangeReader;
  readonly #keepsOrder: boolean;
  #hasEnded = false;

  /** @param keepsOrder one write after the other, so that a base that keeps their order has a prefix of them at any time */
  constructor(base: BlockDevice, reader: ChangeReader, keepsOrder: boolean) {
    this.#base = base;
    this.#reader = reader;
    this.#keepsOrder = keepsOrder;
  }

  /** From now on nothing is asked of the base. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Brings to the base what it does not have of a batch, and flushes it. Where it fails, call again. */
  async write(batch: Batch): Promise<void> {
    if (this.#keepsOrder) {
      while (batch.done < batch.changes.length) {
        const change = batch.changes[batch.done] as Change;
        await this.#apply({ change, start: change.start, end: change.end });
        batch.done++;
      }
    } else if (batch.done < batch.changes.length) {
      const options = { maxConcurrency: MAX_BASE_CONCURRENCY };
      await forEachParallel(lastVersionsOf(batch), options, (version) => this.#apply(version));
      batch.done = batch.changes.length;
    }
    await this.flush();
  }

  async flush(): Promise<void> {
    this.#throwIfEnded();
    await this.#base.flush();
    this.#throwIfEnded();
  }

  async #apply({ change, start, end }: LastVersion): Promise<void> {
    const count = end - start;
    this.#throwIfEnded();
    if (change.kind === 'discard') await this.#base.discard(start, count);
    else if (change.kind === 'zeroes') await this.#base.writeZeroes(start, count);
    else await this.#base.write(start, [await this.#dataOf(change, start - change.start, count)]);
    this.#throwIfEnded();
  }

  async #dataOf(change: Change, first: number, count: number): Promise<Uint8Array> {
    const { bytes } = change;
    if (bytes === undefined) {
      const read = await this.#reader.read(change, first, count);
      this.#throwIfEnded();
      return read;
    }
    const sectorSize = change.dataBytes / change.count;
    return bytes.subarray(first * sectorSize, (first + count) * sectorSize);
  }

  #throwIfEnded(): void {
    if (this.#hasEnded) throw new BlockError('DISCONNECTED', 'the device was disconnected');
  }
}
