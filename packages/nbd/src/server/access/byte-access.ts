import { type BlockDevice, BlockError } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import type { Pause } from '../fairness/pace.js';
import { type Change, type SectorOrder, sectorOrderOf } from './sector-order.js';

/** What one connection may hold for sectors that it needs a part of, in bytes, beside the memory of its requests. */
const EDGES_BYTES_MAX = 256 * 1024;
/** Requests of one connection that need them, under way at once at most. */
const PARTIAL_REQUESTS_MAX = 16;
/** Longer transfers are handed to the device in steps of this, so that one that copies them at once does not keep the event loop. */
const STEP_BYTES = 2 * 1024 * 1024;
/** How often a merge is made anew because the device was resized meanwhile. */
const MERGES_MAX = 4;

/** Who holds the place of a change that the device has begun, until it gives it back. */
export interface PlaceHolder {
  place: Change | undefined;
}

/** Bytes from `at` on as sectors: those they touch, and the parts of the first and the last one where these are not whole. */
interface AlignedRange {
  readonly first: number;
  readonly end: number;
  /** Bytes of the first sector in front of them. */
  readonly skipBytes: number;
  /** Bytes in the first sector if it is not whole, and in the last one if it is another and not whole; else 0. */
  readonly headBytes: number;
  readonly tailBytes: number;
}

export interface ByteAccessOptions {
  /** Whether the client is still there. If not, nothing further is begun for it. */
  readonly isWanted: () => boolean;
  /** How a work that begins now pauses between its steps. */
  readonly pauses: () => Pause;
}

/** Zeroes sectors from `start` on, in the way that a request wants it done. */
export type ZeroSectors = (start: number, count: number) => Promise<void>;

/**
 * A device from one byte on, for one connection. Whole sectors go to it as they are. Of a sector that is touched in part the rest
 * is read, and put back unchanged, whatever else writes to it meanwhile.
 */
export class ByteAccess {
  readonly #device: BlockDevice;
  readonly #sectorSize: number;
  readonly #order: SectorOrder;
  readonly #partial: Semaphore;
  readonly #isWanted: () => boolean;
  readonly #pauses: () => Pause;

  constructor(device: BlockDevice, { isWanted, pauses }: ByteAccessOptions) {
    this.#device = device;
    this.#isWanted = isWanted;
    this.#pauses = pauses;
    this.#sectorSize = device.info.sectorSize;
    this.#order = sectorOrderOf(device);
    const requestsMax = Math.floor(EDGES_BYTES_MAX / (2 * this.#sectorSize));
    this.#partial = new Semaphore(Math.min(requestsMax, PARTIAL_REQUESTS_MAX));
  }

  isWhole(at: number, lengthBytes: number): boolean {
    return lengthBytes === 0 || (this.#isMultiple(at) && this.#isMultiple(lengthBytes));
  }

  /** The sectors that the bytes touch. */
  sectorsOf(at: number, lengthBytes: number): { readonly start: number; readonly count: number } {
    const start = Math.floor(at / this.#sectorSize);
    return { start, count: Math.ceil((at + lengthBytes) / this.#sectorSize) - start };
  }

  /** Fills `bytes`. No order is needed: no sector is ever seen half written [O3]. */
  read(at: number, bytes: Uint8Array): Promise<void> {
    if (this.isWhole(at, bytes.byteLength)) return this.#readWhole(at / this.#sectorSize, bytes);
    return this.#limited(async () => {
      const range = this.#align(at, bytes.byteLength);
      const { head, tail, list } = this.#frame(range, bytes);
      await this.#device.read(range.first, list);
      if (head !== undefined) bytes.set(head.subarray(range.skipBytes, range.skipBytes + range.headBytes));
      if (tail !== undefined) bytes.set(tail.subarray(0, range.tailBytes), bytes.byteLength - range.tailBytes);
    });
  }

  /** Writes `bytes`. `holder.place` is given back by `leave` once this has settled. */
  write(holder: PlaceHolder, at: number, bytes: Uint8Array): Promise<void> {
    if (this.isWhole(at, bytes.byteLength)) return this.#writeInOrder(holder, at, bytes);
    return this.#limited(() => {
      const range = this.#align(at, bytes.byteLength);
      return this.#order.run({ ...range, merges: true }, () => this.#merge(range, bytes));
    });
  }

  /** Zeroes whole sectors by `zero`, and parts of others by merging. */
  writeZeroes(holder: PlaceHolder, at: number, lengthBytes: number, zero: ZeroSectors): Promise<void> {
    if (this.isWhole(at, lengthBytes)) return this.#whole(holder, at, lengthBytes, zero);
    return this.#limited(() => {
      const range = this.#align(at, lengthBytes);
      return this.#order.run({ ...range, merges: true }, async () => {
        const { first, end, headBytes, tailBytes } = range;
        const start = headBytes > 0 ? first + 1 : first;
        const count = (tailBytes > 0 ? end - 1 : end) - start;
        const edge = (from: number, edgeBytes: number) => {
          return this.#merge(this.#align(from, edgeBytes), new Uint8Array(edgeBytes));
        };
        await allSettled([
          headBytes > 0 ? edge(at, headBytes) : undefined,
          count > 0 ? zero(start, count) : undefined,
          tailBytes > 0 ? edge(at + lengthBytes - tailBytes, tailBytes) : undefined,
        ]);
      });
    });
  }

  /** Lets the whole sectors among the bytes go. Of the others nothing is asked. */
  discard(holder: PlaceHolder, at: number, lengthBytes: number): Promise<void> {
    const first = Math.ceil(at / this.#sectorSize);
    const end = Math.floor((at + lengthBytes) / this.#sectorSize);
    if (end <= first) return Promise.resolve();
    const discard: ZeroSectors = (start, count) => this.#device.discard(start, count);
    return this.#whole(holder, first * this.#sectorSize, (end - first) * this.#sectorSize, discard);
  }

  leave(holder: PlaceHolder): void {
    const { place } = holder;
    if (place === undefined) return;
    holder.place = undefined;
    this.#order.leave(place);
  }

  /** What waits for sectors that it needs a part of, or that others do. */
  #limited(work: () => Promise<void>): Promise<void> {
    return this.#partial.run(() => {
      if (!this.#isWanted()) throw new BlockError('ABORTED', 'the client is gone');
      return work();
    });
  }

  /** The size of a sector is a power of two, so the quotient is exact; and a remainder is slow above 2^31. */
  #isMultiple(bytes: number): boolean {
    return Number.isInteger(bytes / this.#sectorSize);
  }

  #readWhole(start: number, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength <= STEP_BYTES) return this.#device.read(start, [bytes]);
    return this.#inSteps(start, bytes, (at, step) => this.#device.read(at, [step]));
  }

  #writeWhole(start: number, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength <= STEP_BYTES) return this.#device.write(start, [bytes]);
    return this.#inSteps(start, bytes, (at, step) => this.#device.write(at, [step]));
  }

  /** A device that takes its time has all steps at once. One that completes them at once yields to the event loop in between. */
  async #inSteps(
    start: number,
    bytes: Uint8Array,
    transfer: (at: number, step: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const works: Promise<void>[] = [];
    const pause = this.#pauses();
    for (let from = 0; from < bytes.byteLength && this.#isWanted(); from += STEP_BYTES) {
      const work = transfer(start + from / this.#sectorSize, bytes.subarray(from, from + STEP_BYTES));
      // It may fail while the others are only begun.
      work.catch(() => {});
      works.push(work);
      const paused = pause();
      if (paused !== undefined) await paused;
    }
    await allSettled(works);
  }

  /** As `#whole` does it, without a closure for each write. */
  #writeInOrder(holder: PlaceHolder, at: number, bytes: Uint8Array): Promise<void> {
    const first = at / this.#sectorSize;
    const end = first + bytes.byteLength / this.#sectorSize;
    holder.place = this.#order.tryEnter(first, end);
    if (holder.place !== undefined) return this.#writeWhole(first, bytes);
    return this.#later(first, end, (start) => this.#writeWhole(start, bytes));
  }

  #whole(holder: PlaceHolder, at: number, lengthBytes: number, change: ZeroSectors): Promise<void> {
    const first = Math.floor(at / this.#sectorSize);
    const end = first + lengthBytes / this.#sectorSize;
    holder.place = this.#order.tryEnter(first, end);
    if (holder.place !== undefined) return change(first, end - first);
    return this.#later(first, end, change);
  }

  #later(first: number, end: number, change: ZeroSectors): Promise<void> {
    return this.#limited(() => this.#order.run({ first, end, merges: false }, () => change(first, end - first)));
  }

  /** Writes `bytes` in between what else is in the first and last of the sectors. */
  async #merge(range: AlignedRange, bytes: Uint8Array): Promise<void> {
    const { head, tail, list } = this.#frame(range, bytes);
    for (let merges = 0; ; merges++) {
      if (merges === MERGES_MAX) throw new BlockError('UNAVAILABLE', 'the device is resized all the time');
      const { info } = this.#device;
      await allSettled([
        head === undefined ? undefined : this.#device.read(range.first, [head]),
        tail === undefined ? undefined : this.#device.read(range.end - 1, [tail]),
      ]);
      // What was read may have been truncated since, and zeroes be in its place [S2].
      if (this.#device.info === info) break;
    }
    head?.set(bytes.subarray(0, range.headBytes), range.skipBytes);
    tail?.set(bytes.subarray(bytes.byteLength - range.tailBytes));
    await this.#device.write(range.first, list);
  }

  /** `bytes` as a list of whole sectors, with sectors of their own in the place of those that are not whole. */
  #frame(range: AlignedRange, bytes: Uint8Array) {
    const head = range.headBytes > 0 ? new Uint8Array(this.#sectorSize) : undefined;
    const tail = range.tailBytes > 0 ? new Uint8Array(this.#sectorSize) : undefined;
    const between = bytes.subarray(range.headBytes, bytes.byteLength - range.tailBytes);
    const list = [head, between, tail].filter((buffer) => buffer !== undefined);
    return { head, tail, list };
  }

  #align(at: number, lengthBytes: number): AlignedRange {
    const sectorSize = this.#sectorSize;
    const { start: first, count } = this.sectorsOf(at, lengthBytes);
    const skipBytes = at - first * sectorSize;
    const endBytes = (at + lengthBytes) % sectorSize;
    const isFirstWhole = skipBytes === 0 && lengthBytes >= sectorSize;
    const headBytes = isFirstWhole ? 0 : Math.min(sectorSize - skipBytes, lengthBytes);
    const tailBytes = lengthBytes > headBytes ? endBytes : 0;
    return { first, end: first + count, skipBytes, headBytes, tailBytes };
  }
}

/** Rejects with the first failure, but not before all of them are over: their buffers are in use until then [B1]. */
async function allSettled(works: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) if (outcome.status === 'rejected') throw outcome.reason;
}
