/**
 * The block-device contract as types. What each operation promises stands in `CONTRACT.md`, clause by clause; the letters in
 * brackets below name those clauses.
 */

/** A range of sectors: `count` of them from sector `start`. */
export interface SectorRange {
  /** First sector. */
  readonly start: number;
  /** Number of sectors. */
  readonly count: number;
}

/** A run of sectors of one kind. `zero` is only said of what reads as zeroes now. */
export interface Extent extends SectorRange {
  readonly type: 'data' | 'zero';
}

/** A run of sectors, and what it costs a device to read it. */
export interface Fragment extends SectorRange {
  /** Which request of the device's medium brings it, from 1 on; 0: none, it is at hand. */
  readonly request: number;
}

/** Which optional operations the device carries out itself. What it does not is emulated by reading or writing zeroes. */
export interface NativeOperations {
  readonly discard: boolean;
  readonly writeZeroes: boolean;
  readonly extents: boolean;
}

/** What a device is at this moment. */
export interface DeviceInfo {
  /** What the device is, for people and messages: `file:/srv/disk.img`, `cache(s3://bucket/volume)`. Holds no secrets. */
  readonly name: string;
  /** Bytes in a sector: a power of two from 512 to 65,536. Never changes. */
  readonly sectorSize: number;
  /** Sectors on the device. Changes with `resize`. */
  readonly sizeSectors: number;
  /** Whether every changing operation is refused [A7]. */
  readonly readOnly: boolean;
  /** Size and alignment of transfers that the device likes best, in bytes: a multiple of `sectorSize`. A hint. */
  readonly preferredIoBytes: number;
  readonly native: NativeOperations;
}

/** How a device is to end. */
export interface DisconnectOptions {
  /** Give up what could not be made durable, do not wait, and resolve in any case [E4]. */
  readonly force?: boolean;
}

/** The part of an `AbortSignal` that tells when a device is lost, so that any runtime's will do. */
export interface LostSignal {
  readonly aborted: boolean;
  /** Once it has fired: the {@link BlockError} that changes are refused with. */
  readonly reason?: unknown;
  /** Calls `listener` when the signal fires. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Forgets a listener. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What a device holds in memory, lent to a caller that only passes it on [B4]. */
export interface Loan {
  /** The range, one view after the other. No one writes into them. */
  readonly views: readonly Uint8Array[];
  /** Ends the loan: from now on the views may show anything. Further calls do nothing. */
  release(): void;
}

/**
 * A number of sectors, fixed until the next resize, that can be read, written, flushed and resized.
 *
 * Positions and lengths are sectors, buffers are whole sectors each [A3]. Every failure is a rejected promise with a
 * {@link BlockError}; nothing throws synchronously [A1]. Any number of operations may be in flight at once [O2].
 */
export interface BlockDevice extends AsyncDisposable {
  /** The facts now: a new object after each change, never one that changes under its reader. */
  readonly info: DeviceInfo;

  /**
   * Fires once the device can never again be changed, since another writer has it; what is not durable then never will be [E5].
   * Left out: the device never finds out.
   */
  readonly lost?: LostSignal | undefined;

  /**
   * Fills `buffers`, in order, from sector `start` on (scatter).
   *
   * Resolved: every byte of every buffer is filled. Rejected: the contents of the buffers are undefined [B3].
   */
  read(start: number, buffers: readonly Uint8Array[]): Promise<void>;

  /**
   * The range where it lies in memory, so that it need not be copied, or undefined: then `read` it. A device may return
   * undefined at any time, for any reason, and does if the arguments are wrong [B4].
   */
  lend?(start: number, count: number): Loan | undefined;

  /**
   * Writes `buffers`, in order, from sector `start` on (gather).
   *
   * Leave the bytes alone until the promise settles; afterwards they are the caller's again [B1, B2]. The list itself is
   * copied, and can be reused at once. Rejected: each sector of the range is old or new, no other sector changed, and the write
   * can be tried again [D2].
   */
  write(start: number, buffers: readonly Uint8Array[]): Promise<void>;

  /**
   * Writes as `write` does; resolved, that write is durable, and nothing else need be. A device has it where that costs less than
   * a `write` and a `flush`.
   */
  writeDurably?(start: number, buffers: readonly Uint8Array[]): Promise<void>;

  /**
   * Makes every write accepted before the call durable [D1].
   *
   * With a `range` only the writes to it (a disk's "forced unit access"). A device may always make more durable than it was
   * asked to.
   */
  flush(range?: SectorRange): Promise<void>;

  /** Grows or shrinks to `sizeSectors`. Waits for operations in flight and holds back later ones [S1]. */
  resize(sizeSectors: number): Promise<void>;

  /** The range reads as zeroes afterwards, and its space is given back where the device can [Z1]. */
  discard(start: number, count: number): Promise<void>;

  /** The range reads as zeroes afterwards; its space stays reserved where the device reserves any [Z1]. */
  writeZeroes(start: number, count: number): Promise<void>;

  /** Runs of `data` and `zero` that cover the range exactly, in order, neighbours of different types [Z3]. */
  extents(start: number, count: number): Promise<Extent[]>;

  /**
   * Runs that cover the range exactly, in order, each with the request that brings it, as far as the device knows now: runs of
   * one request come together where they are read at once, by one call or by several. A hint, or undefined, at any time, for
   * any reason, and if the arguments are wrong [Z4]. Left out: the device has no such requests, or cannot tell.
   */
  fragments?(start: number, count: number): readonly Fragment[] | undefined;

  /**
   * Waits for operations in flight, makes accepted writes durable, frees everything [E1]. Idempotent [E2].
   *
   * Rejected: the device stays connected with all its data, and the call can be made again, or made with `force` [E4].
   */
  disconnect(options?: DisconnectOptions): Promise<void>;
}

/** The names of a device's operations. */
export const OPERATIONS = [
  'read',
  'write',
  'flush',
  'resize',
  'discard',
  'writeZeroes',
  'extents',
  'disconnect',
] as const;

/** The name of an operation of a device. */
export type Operation = (typeof OPERATIONS)[number];

/** Smallest and largest sector, in bytes. Between them, any power of two. */
export const SECTOR_SIZE_MIN = 512;
/** The largest sector, in bytes. */
export const SECTOR_SIZE_MAX = 65_536;
