import type { DisconnectOptions, Extent, Fragment, Loan, LostSignal, SectorRange } from './contract.js';
import type { MaybePromise } from './maybe-promise.js';

/**
 * What the author of a backend writes. `createDevice` turns it into a {@link BlockDevice}.
 *
 * A driver is called with arguments that were checked: safe integers, whole sectors, inside the bounds, `count` at least one,
 * never after `disconnect`, never a changing operation when `readOnly`. `resize` and `disconnect` are called with nothing else
 * in flight (a forced `disconnect` excepted). It may finish at once or return a promise; it may throw or reject with anything,
 * and what is no `BlockError` becomes code `IO`.
 *
 * The buffers belong to the caller: a driver must not keep one, or a view of one, after its promise settles, either way, and
 * must never write into the buffers of `write`. What has settled is over: nothing of it may come later.
 */
export interface BlockDriver {
  /** See `DeviceInfo.name`. */
  readonly name: string;
  /** Bytes in a sector: a power of two from 512 to 65,536. */
  readonly sectorSize: number;
  /** Sectors on the device when `createDevice` is called, which reads it once. From then on the device keeps count. */
  readonly sizeSectors: number;
  /** Default: false. */
  readonly readOnly?: boolean;
  /** See `DeviceInfo.preferredIoBytes`. Default: the larger of 64 KiB and a sector. */
  readonly preferredIoBytes?: number;
  /**
   * True if overlapping calls in flight at once never tear a sector [O3] and a read sees what was written before it [O1],
   * whatever the driver is called with. Default: false, and then the device runs calls that overlap one after the other.
   */
  readonly atomicSectors?: boolean;

  /** See `BlockDevice.lost`. Read once, by `createDevice`. Its reason is a `BlockError`. */
  readonly lost?: LostSignal | undefined;

  /** Fills the buffers, all of them, from sector `start` on: a gibibyte at most. */
  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void>;
  /** Writes the buffers, all of them, from sector `start` on: a gibibyte at most. */
  write(start: number, buffers: readonly Uint8Array[]): MaybePromise<void>;
  /** Makes durable what was written before the call (in `range`, if that is given and the driver can tell). */
  flush(range?: SectorRange): MaybePromise<void>;
  /** Changes the size; grown space reads as zeroes. On failure, size and data are as they were. */
  resize(sizeSectors: number): MaybePromise<void>;
  /**
   * Frees all resources. Called after a successful `flush`. Where it fails, the driver must keep working.
   *
   * With `force` it is called at once: after a failed `disconnect`, during one that hangs, with operations in flight. Then it
   * makes those fail where it can, waits for nothing that may never come, and is not called again.
   */
  disconnect(options: DisconnectOptions): MaybePromise<void>;

  /**
   * Writes, and makes that write durable, in one step. A failure may also be that of a `flush`. Left out where that costs what a
   * `write` and a `flush` do: then the device does not have it.
   */
  writeDurably?(start: number, buffers: readonly Uint8Array[]): MaybePromise<void>;
  /**
   * Lends the range where it lies in memory, or does not [B4]. Asked only of drivers with `atomicSectors`. Left out: nothing is
   * lent.
   */
  lend?(start: number, count: number): Loan | undefined;
  /** Makes the range read as zeroes and gives its space back. Left out: `writeZeroes`, or writes of zeroes. */
  discard?(start: number, count: number): MaybePromise<void>;
  /** Makes the range read as zeroes. Left out: `discard` (reads as zeroes too), or writes of zeroes. */
  writeZeroes?(start: number, count: number): MaybePromise<void>;
  /** Runs that cover the range exactly, in order. Left out: one run of data. */
  extents?(start: number, count: number): MaybePromise<Extent[]>;
  /**
   * Which request of the medium brings which part of the range, where a range can take several [Z4]. Left out: the device has no
   * `fragments`.
   */
  fragments?(start: number, count: number): readonly Fragment[] | undefined;
}
