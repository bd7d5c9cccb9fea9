import { CALL_BYTES, LONG_CALL_BYTES, type Yielder, yielderOf } from '../async/yielder.js';
import { byteLengthOf } from '../buffers.js';
import { checkBounds, checkBuffers, checkBuffersAgain, checkInteger, checkRange, checkSize } from '../check.js';
import { checkClock, checkOptionNames, type KnownOptions } from '../check-options.js';
import { type Clock, systemClock } from '../clock.js';
import type {
  BlockDevice,
  DeviceInfo,
  DisconnectOptions,
  Extent,
  Fragment,
  Loan,
  LostSignal,
  Operation,
  SectorRange,
} from '../contract.js';
import type { BlockDriver } from '../driver.js';
import { BlockError, locateError } from '../error.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { extentsOf, writeZeroesByWriting } from './emulate.js';
import { Gate } from './gate.js';
import { infoOf } from './info.js';
import { RangeOrder } from './range-order.js';
import { inPieces, TRANSFER_BYTES_MAX } from './split-transfer.js';

/** What every operation that finished at once returns. */
const DONE = Promise.resolve(undefined);

/** Operations that change the device, which a read-only one refuses [A7]. */
const CHANGES: Readonly<Record<Operation, boolean>> = {
  read: false,
  write: true,
  flush: false,
  resize: true,
  discard: true,
  writeZeroes: true,
  extents: false,
  disconnect: false,
};

/**
 * What an operation has the driver do. Reads and writes are constants that take their arguments, so that no closure is made for
 * each call.
 */
type Run<T> = (driver: BlockDriver, start: number, list: readonly Uint8Array[]) => MaybePromise<T>;
const READ: Run<void> = (driver, start, list) => driver.read(start, list);
const WRITE: Run<void> = (driver, start, list) => driver.write(start, list);
/** Asked only of drivers that have it. */
const WRITE_DURABLY: Run<void> = (driver, start, list) => driver.writeDurably?.(start, list);
const NO_BUFFERS: readonly Uint8Array[] = [];

/** What a device is given beside its driver. */
export interface DeviceOptions {
  /** Default: the system's. */
  readonly clock?: Clock;
}

const KNOWN: KnownOptions<DeviceOptions> = { clock: true };

/**
 * Makes a device of a driver: argument checks and their order [A1 to A7], accounting of what is in flight, `resize` and
 * `disconnect` alone [S1, E1], order among what overlaps [O3], emulation of what the driver leaves out [Z1], idempotent
 * `disconnect` [E2 to E4], yielding to the event loop after some milliseconds of work in memory [O2]. So every device behaves
 * alike.
 *
 * Throws `INVALID_ARGUMENT` if the driver's own facts or an option are wrong.
 *
 * @example
 * ```ts
 * import { createDevice } from '@blockyard/block';
 *
 * let bytes = new Uint8Array(8 * 512);
 * const device = createDevice({
 *   name: 'eight sectors',
 *   sectorSize: 512,
 *   sizeSectors: 8,
 *   read: (start, [buffer]) => buffer?.set(bytes.subarray(start * 512, start * 512 + buffer.byteLength)),
 *   write: (start, [buffer]) => buffer && bytes.set(buffer, start * 512),
 *   flush() {},
 *   resize: (sizeSectors) => {
 *     const before = bytes;
 *     bytes = new Uint8Array(sizeSectors * 512);
 *     bytes.set(before.subarray(0, bytes.byteLength));
 *   },
 *   disconnect() {},
 * });
 * await device.write(3, [new Uint8Array(512).fill(7)]);
 * await device.discard(0, 2); // a driver without discard: the device writes zeroes
 * const sector = new Uint8Array(512);
 * await device.read(3, [sector]);
 * console.log(sector[0], device.info.native.discard); // 7 false
 * ```
 */
export function createDevice(driver: BlockDriver, options: DeviceOptions = {}): BlockDevice {
  checkOptionNames(options, KNOWN);
  const { clock = systemClock } = options;
  checkClock(clock);
  return new Device(driver, yielderOf(clock));
}

class Device implements BlockDevice {
  readonly lost: LostSignal | undefined;
  readonly writeDurably?: (start: number, buffers: readonly Uint8Array[]) => Promise<void>;
  readonly fragments?: (start: number, count: number) => readonly Fragment[] | undefined;
  readonly #driver: BlockDriver;
  readonly #yielder: Yielder;
  readonly #gate = new Gate();
  /** Undefined where the driver orders overlapping calls itself. */
  readonly #order: RangeOrder | undefined;
  #info: DeviceInfo;
  #disconnected = false;
  /** The attempt to disconnect that is under way, or that has succeeded. */
  #disconnecting: Promise<void> | undefined;
  /** Resolves when a forced disconnect is over. */
  readonly #forced: Promise<void>;
  #reportForced: () => void = () => {};

  constructor(driver: BlockDriver, yielder: Yielder) {
    this.#driver = driver;
    this.#yielder = yielder;
    this.lost = driver.lost;
    this.#info = infoOf(driver);
    if (driver.writeDurably !== undefined) {
      this.writeDurably = (start, buffers) => this.#transfer('write', start, buffers, WRITE_DURABLY);
    }
    if (driver.fragments !== undefined) {
      this.fragments = (start, count) => this.#now(start, count, () => driver.fragments?.(start, count));
    }
    this.#order = driver.atomicSectors === true ? undefined : new RangeOrder(this.#throwIfDisconnected);
    this.#forced = new Promise((resolve) => {
      this.#reportForced = resolve;
    });
  }

  get info(): DeviceInfo {
    return this.#info;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer('read', start, buffers, READ);
  }

  lend(start: number, count: number): Loan | undefined {
    // Where calls are kept apart, one may be changing the range just now.
    if (this.#order !== undefined) return undefined;
    // Nothing can wait here; the read that takes its place can.
    if (this.#yielder.spend(CALL_BYTES) !== undefined) return undefined;
    return this.#now(start, count, () => this.#driver.lend?.(start, count));
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer('write', start, buffers, WRITE);
  }

  flush(range?: SectorRange): Promise<void> {
    let checked: SectorRange | undefined;
    try {
      checked = checkRange(range);
    } catch (error) {
      return this.#refuse(error, 'flush');
    }
    return this.#submit('flush', checked?.start, checked?.count, (driver) => driver.flush(checked));
  }

  discard(start: number, count: number): Promise<void> {
    return this.#zero('discard', start, count);
  }

  writeZeroes(start: number, count: number): Promise<void> {
    return this.#zero('writeZeroes', start, count);
  }

  async extents(start: number, count: number): Promise<Extent[]> {
    try {
      checkInteger(start, 'start');
      checkInteger(count, 'count');
    } catch (error) {
      return this.#refuse(error, 'extents');
    }
    const extents = await this.#submit('extents', start, count, (driver) => extentsOf(driver, start, count));
    return extents ?? [];
  }

  async resize(sizeSectors: number): Promise<void> {
    try {
      checkSize(sizeSectors, this.#info.sectorSize);
      this.#checkAllowed('resize');
    } catch (error) {
      return this.#refuse(error, 'resize');
    }
    await this.#gate.exclusive();
    const pause = this.#yielder.spend(LONG_CALL_BYTES);
    try {
      if (pause !== undefined) await pause;
      // What came before may have been a disconnect.
      this.#checkAllowed('resize');
      if (sizeSectors === this.#info.sizeSectors) return;
      await this.#driver.resize(sizeSectors);
      this.#info = Object.freeze({ ...this.#info, sizeSectors });
    } catch (error) {
      return this.#fail(error, 'resize');
    } finally {
      this.#gate.leaveExclusive();
    }
  }

  async disconnect(options: DisconnectOptions = {}): Promise<void> {
    if (options?.force === true) return this.#disconnectByForce();
    this.#disconnecting ??= this.#disconnect();
    // A caller that waits for a driver that hangs waits no longer once another ends the device by force.
    const end = Promise.race([this.#disconnecting, this.#forced]);
    const pause = this.#yielder.spend(CALL_BYTES);
    try {
      // Together, since this attempt may fail meanwhile.
      await (pause === undefined ? end : Promise.all([end, pause]));
    } catch (error) {
      return this.#fail(error, 'disconnect');
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  async #disconnect(): Promise<void> {
    await this.#gate.exclusive();
    try {
      if (!this.#disconnected && !this.#info.readOnly) await this.#driver.flush();
      if (!this.#disconnected) await this.#driver.disconnect({});
      // Set by now only if the device was forced to an end in the meantime.
      if (this.#disconnected) return await this.#forced;
      this.#disconnected = true;
    } catch (error) {
      if (this.#disconnected) return await this.#forced;
      this.#disconnecting = undefined;
      throw error;
    } finally {
      this.#gate.leaveExclusive();
    }
  }

  /** Ends the device without waiting: a driver that never answers must not keep its caller. */
  async #disconnectByForce(): Promise<void> {
    if (this.#disconnected) return this.#disconnecting;
    this.#disconnected = true;
    this.#disconnecting = this.#forced;
    this.#gate.open();
    this.#order?.open();
    try {
      await this.#driver.disconnect({ force: true });
    } catch {
      // Promised to resolve whatever happens; the caller gave the data up [E4].
    }
    this.#reportForced();
  }

  /** What the driver says of a range without anyone waiting. Undefined where it is not to be asked now; a read tells why. */
  #now<T>(start: number, count: number, ask: () => T | undefined): T | undefined {
    if (!this.#gate.tryShared()) return undefined;
    try {
      checkInteger(start, 'start');
      checkInteger(count, 'count');
      this.#checkAllowed('read');
      checkBounds(start, count, this.#info);
      return count === 0 ? undefined : ask();
    } catch {
      return undefined;
    } finally {
      this.#gate.leaveShared();
    }
  }

  #transfer(
    operation: 'read' | 'write',
    start: number,
    buffers: readonly Uint8Array[],
    move: Run<void>,
  ): Promise<void> {
    let list: Uint8Array[];
    try {
      checkInteger(start, 'start');
      list = checkBuffers(buffers, this.#info.sectorSize);
    } catch (error) {
      return this.#refuse(error, operation);
    }
    const { sectorSize } = this.#info;
    const byteLength = byteLengthOf(list);
    const run: Run<void> =
      byteLength <= TRANSFER_BYTES_MAX
        ? move
        : (driver) =>
            inPieces(start, list, sectorSize, this.#throwIfDisconnected, (at, piece) => move(driver, at, piece));
    return this.#submit(operation, start, byteLength / sectorSize, run, list, CALL_BYTES + byteLength);
  }

  #zero(operation: 'discard' | 'writeZeroes', start: number, count: number): Promise<void> {
    try {
      checkInteger(start, 'start');
      checkInteger(count, 'count');
    } catch (error) {
      return this.#refuse(error, operation);
    }
    const other = operation === 'discard' ? 'writeZeroes' : 'discard';
    return this.#submit(operation, start, count, (driver) => {
      if (driver[operation] !== undefined) return driver[operation](start, count);
      if (driver[other] !== undefined) return driver[other](start, count);
      return writeZeroesByWriting(driver, start, count, this.#throwIfDisconnected);
    });
  }

  /**
   * The way of every operation but `resize` and `disconnect`, the shape of its arguments already checked: in through the gate,
   * then as {@link #start} says. Where nothing is in the way and the driver finishes at once, no macrotask passes.
   */
  #submit<T>(
    operation: Operation,
    start: number | undefined,
    count: number | undefined,
    run: Run<T>,
    list: readonly Uint8Array[] = NO_BUFFERS,
    costBytes: number = LONG_CALL_BYTES,
  ): Promise<T | undefined> {
    if (this.#gate.tryShared()) return this.#start(operation, start, count, run, list, costBytes, false);
    return this.#gate.shared().then(() => this.#start(operation, start, count, run, list, costBytes, true));
  }

  /**
   * The rest, from inside the gate, where the size can no longer change [S1]: the checks that depend on the device's state
   * [A2], the order among what overlaps, `run`. Gives back the place at the gate when all is over.
   */
  #start<T>(
    operation: Operation,
    start: number | undefined,
    count: number | undefined,
    run: Run<T>,
    list: readonly Uint8Array[],
    costBytes: number,
    hasWaited: boolean,
  ): Promise<T | undefined> {
    try {
      this.#checkAllowed(operation);
      if (start !== undefined && count !== undefined) checkBounds(start, count, this.#info);
      if (hasWaited) this.#checkAgain(list, count);
    } catch (error) {
      this.#gate.leaveShared();
      return this.#refuse(error, operation, start, count);
    }
    let outcome: MaybePromise<T | undefined>;
    try {
      outcome = count === 0 ? undefined : this.#ordered(operation, start, count, run, list);
      const pause = this.#yielder.spend(costBytes);
      if (isPromise(outcome) || pause !== undefined) return this.#settle(outcome, pause, operation, start, count);
    } catch (error) {
      this.#gate.leaveShared();
      return this.#fail(error, operation, start, count);
    }
    this.#gate.leaveShared();
    return outcome === undefined ? DONE : Promise.resolve(outcome);
  }

  /** `run`, but after every earlier operation that overlaps, where the driver needs that. */
  #ordered<T>(
    operation: Operation,
    start: number | undefined,
    count: number | undefined,
    run: Run<T>,
    list: readonly Uint8Array[],
  ): MaybePromise<T> {
    const driver = this.#driver;
    if (this.#order === undefined || start === undefined || count === undefined || operation === 'flush') {
      return run(driver, start ?? 0, list);
    }
    return this.#order.run(start, count, CHANGES[operation], (hasWaited) => {
      if (hasWaited) this.#checkAgain(list, count);
      return run(driver, start, list);
    });
  }

  /** A caller that detaches a buffer while its operation waits fails that operation, before it reaches the driver. */
  #checkAgain(list: readonly Uint8Array[], count: number | undefined): void {
    if (list.length > 0) checkBuffersAgain(list, this.#info.sectorSize, count ?? 0);
  }

  /** Waits for the driver, and for the event loop where that has been held back for too long. */
  async #settle<T>(
    outcome: MaybePromise<T>,
    pause: Promise<void> | undefined,
    operation: Operation,
    start?: number,
    count?: number,
  ): Promise<T> {
    try {
      const result = isPromise(outcome) ? await outcome : outcome;
      if (pause !== undefined) await pause;
      return result;
    } catch (error) {
      return this.#fail(error, operation, start, count);
    } finally {
      this.#gate.leaveShared();
    }
  }

  #checkAllowed(operation: Operation): void {
    this.#throwIfDisconnected();
    if (!CHANGES[operation]) return;
    if (this.#info.readOnly) throw new BlockError('READ_ONLY', 'the device is read-only');
    if (this.lost?.aborted === true) throw this.lost.reason;
  }

  /** Keeps what had to wait, or works in several steps, from calling a driver that was disconnected by force. */
  readonly #throwIfDisconnected = (): void => {
    if (this.#disconnected) throw new BlockError('DISCONNECTED', 'the device was disconnected');
  };

  /** Rejects with the error of one of the device's own checks. */
  #refuse(error: unknown, operation: Operation, start?: number, count?: number): Promise<never> {
    return this.#reject(locateError(error, { operation, device: this.#info.name, start, count }));
  }

  /** Rejects with what the driver failed with. */
  #fail(error: unknown, operation: Operation, start?: number, count?: number): Promise<never> {
    return this.#reject(BlockError.from(error, { operation, device: this.#info.name, start, count }));
  }

  /** A caller that tries again and again must not hold back the event loop either. */
  #reject(error: unknown): Promise<never> {
    const pause = this.#yielder.spend(CALL_BYTES);
    if (pause === undefined) return Promise.reject(error);
    return pause.then(() => Promise.reject(error));
  }
}
