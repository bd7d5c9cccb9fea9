import { checkBounds, checkBuffers, checkInteger, checkRange, checkSectorSize, checkSize } from './check.js';
import type { BlockDevice, DeviceInfo, DisconnectOptions, Extent, Operation, SectorRange } from './contract.js';
import type { BlockDriver, MaybePromise } from './driver.js';
import { extentsOf, writeZeroesByWriting } from './emulate.js';
import { BlockError } from './error.js';
import { Gate } from './gate.js';
import { RangeOrder } from './range-order.js';

const PREFERRED_IO_BYTES = 65_536;

/** What every operation that finished at once returns. */
const DONE = Promise.resolve();

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
 * Makes a device of a driver: argument checks and their order [A1 to A7], accounting of what is in flight, `resize` and
 * `disconnect` alone [S1, E1], order among what overlaps [O3], emulation of what the driver leaves out [Z1], idempotent
 * `disconnect` [E2 to E4]. So every device behaves alike.
 *
 * Throws `INVALID_ARGUMENT` if the driver's own facts are wrong.
 */
export function createDevice(driver: BlockDriver): BlockDevice {
  return new Device(driver);
}

class Device implements BlockDevice {
  readonly #driver: BlockDriver;
  readonly #gate = new Gate();
  /** Undefined where the driver keeps overlapping calls apart by itself. */
  readonly #order: RangeOrder | undefined;
  #info: DeviceInfo;
  #disconnected = false;
  #disconnecting: Promise<void> | undefined;
  #forcing: Promise<void> | undefined;

  constructor(driver: BlockDriver) {
    checkSectorSize(driver.sectorSize);
    checkSize(driver.sizeSectors, driver.sectorSize);
    const preferredIoBytes = driver.preferredIoBytes ?? Math.max(PREFERRED_IO_BYTES, driver.sectorSize);
    checkInteger(preferredIoBytes, 'preferredIoBytes');
    if (preferredIoBytes === 0 || preferredIoBytes % driver.sectorSize !== 0) {
      throw new BlockError('INVALID_ARGUMENT', `preferredIoBytes ${preferredIoBytes} is not whole sectors`);
    }
    this.#driver = driver;
    this.#order = driver.atomicSectors === true ? undefined : new RangeOrder();
    this.#info = Object.freeze({
      name: driver.name,
      sectorSize: driver.sectorSize,
      sizeSectors: driver.sizeSectors,
      readOnly: driver.readOnly ?? false,
      preferredIoBytes,
      native: Object.freeze({
        discard: driver.discard !== undefined,
        writeZeroes: driver.writeZeroes !== undefined || driver.discard !== undefined,
        extents: driver.extents !== undefined,
      }),
    });
  }

  get info(): DeviceInfo {
    return this.#info;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer('read', start, buffers);
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#transfer('write', start, buffers);
  }

  flush(range?: SectorRange): Promise<void> {
    try {
      checkRange(range);
    } catch (error) {
      return this.#refuse('flush', undefined, undefined, error);
    }
    return this.#submit('flush', range?.start, range?.count, () => this.#driver.flush(range));
  }

  discard(start: number, count: number): Promise<void> {
    return this.#zero('discard', start, count);
  }

  writeZeroes(start: number, count: number): Promise<void> {
    return this.#zero('writeZeroes', start, count);
  }

  extents(start: number, count: number): Promise<Extent[]> {
    try {
      checkInteger(start, 'start');
      checkInteger(count, 'count');
    } catch (error) {
      return this.#refuse('extents', start, count, error);
    }
    let extents: Extent[] = [];
    const run = async () => {
      extents = await extentsOf(this.#driver, start, count);
    };
    return this.#submit('extents', start, count, this.#ordered(start, count, false, run)).then(() => extents);
  }

  async resize(sizeSectors: number): Promise<void> {
    const context = { operation: 'resize', device: this.#info.name, count: undefined, start: undefined } as const;
    try {
      checkSize(sizeSectors, this.#info.sectorSize);
      this.#checkAllowed('resize');
      await this.#gate.exclusive();
    } catch (error) {
      throw BlockError.from(error, context);
    }
    try {
      this.#checkAllowed('resize');
      if (sizeSectors === this.#info.sizeSectors) return;
      await this.#driver.resize(sizeSectors);
      this.#info = Object.freeze({ ...this.#info, sizeSectors });
    } catch (error) {
      throw BlockError.from(error, context);
    } finally {
      this.#gate.leaveExclusive();
    }
  }

  disconnect(options: DisconnectOptions = {}): Promise<void> {
    if (options?.force === true) {
      this.#forcing ??= this.#disconnectByForce();
      return this.#forcing;
    }
    this.#disconnecting ??= this.#disconnect();
    return this.#disconnecting;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  async #disconnect(): Promise<void> {
    await this.#gate.exclusive();
    try {
      if (this.#disconnected) return;
      if (!this.#info.readOnly) await this.#driver.flush();
      if (!this.#disconnected) await this.#driver.disconnect({});
      this.#disconnected = true;
    } catch (error) {
      // Forced to an end in the meantime: there is nothing left that could be tried again.
      if (this.#disconnected) return;
      this.#disconnecting = undefined;
      throw BlockError.from(error, { operation: 'disconnect', device: this.#info.name });
    } finally {
      this.#gate.leaveExclusive();
    }
  }

  /** Ends the device without waiting for anybody: a base that never answers must not keep its user. */
  async #disconnectByForce(): Promise<void> {
    if (this.#disconnected) return;
    this.#disconnected = true;
    this.#gate.open();
    try {
      await this.#driver.disconnect({ force: true });
    } catch {
      // Promised to resolve whatever happens; the caller gave the data up [E4].
    }
  }

  #transfer(operation: 'read' | 'write', start: number, buffers: readonly Uint8Array[]): Promise<void> {
    let count: number;
    try {
      checkInteger(start, 'start');
      count = checkBuffers(buffers, this.#info.sectorSize);
    } catch (error) {
      return this.#refuse(operation, start, undefined, error);
    }
    // Empty buffers would be a special case in every driver.
    const list = buffers.length === 1 ? buffers : buffers.filter((buffer) => buffer.byteLength > 0);
    const driver = this.#driver;
    const run = operation === 'read' ? () => driver.read(start, list) : () => driver.write(start, list);
    return this.#submit(operation, start, count, this.#ordered(start, count, operation === 'write', run));
  }

  #zero(operation: 'discard' | 'writeZeroes', start: number, count: number): Promise<void> {
    try {
      checkInteger(start, 'start');
      checkInteger(count, 'count');
    } catch (error) {
      return this.#refuse(operation, start, count, error);
    }
    const driver = this.#driver;
    const other = operation === 'discard' ? 'writeZeroes' : 'discard';
    const run = () => {
      if (driver[operation] !== undefined) return driver[operation](start, count);
      if (driver[other] !== undefined) return driver[other](start, count);
      return writeZeroesByWriting(driver, start, count);
    };
    return this.#submit(operation, start, count, this.#ordered(start, count, true, run));
  }

  /** `run`, but after every earlier operation that overlaps, where the driver needs that. */
  #ordered(start: number, count: number, exclusive: boolean, run: () => MaybePromise<void>): () => MaybePromise<void> {
    const order = this.#order;
    if (order === undefined) return run;
    return async () => {
      const ticket = order.enter(start, count, exclusive);
      try {
        if (!order.ready(ticket)) await order.whenReady(ticket);
        await run();
      } finally {
        order.leave(ticket);
      }
    };
  }

  /**
   * The way of every operation but `resize` and `disconnect`, its arguments' shape already checked: in through the gate, the
   * remaining checks [A2], `run`. Where nothing is in the way and the driver finishes at once, no turn of the event loop passes.
   */
  #submit(
    operation: Operation,
    start: number | undefined,
    count: number | undefined,
    run: () => MaybePromise<void>,
  ): Promise<void> {
    if (!this.#gate.tryShared()) return this.#submitLater(operation, start, count, run);
    let settled: MaybePromise<void>;
    try {
      settled = this.#admitted(operation, start, count, run);
    } catch (error) {
      this.#gate.leaveShared();
      return this.#refuse(operation, start, count, error);
    }
    if (settled === undefined) {
      this.#gate.leaveShared();
      return DONE;
    }
    return this.#settle(operation, start, count, settled);
  }

  async #submitLater(
    operation: Operation,
    start: number | undefined,
    count: number | undefined,
    run: () => MaybePromise<void>,
  ): Promise<void> {
    await this.#gate.shared();
    const settled = async () => this.#admitted(operation, start, count, run);
    return this.#settle(operation, start, count, settled());
  }

  async #settle(
    operation: Operation,
    start: number | undefined,
    count: number | undefined,
    settled: Promise<void>,
  ): Promise<void> {
    try {
      await settled;
    } catch (error) {
      throw BlockError.from(error, { operation, device: this.#info.name, start, count });
    } finally {
      this.#gate.leaveShared();
    }
  }

  /** What is checked and done once the size cannot change any more [S1]. */
  #admitted(
    operation: Operation,
    start: number | undefined,
    count: number | undefined,
    run: () => MaybePromise<void>,
  ): MaybePromise<void> {
    this.#checkAllowed(operation);
    if (start !== undefined && count !== undefined) {
      checkBounds(start, count, this.#info);
      if (count === 0) return;
    }
    return run();
  }

  #checkAllowed(operation: Operation): void {
    if (this.#disconnected) throw new BlockError('DISCONNECTED', 'the device was disconnected');
    if (this.#info.readOnly && CHANGES[operation]) throw new BlockError('READ_ONLY', 'the device is read-only');
  }

  #refuse(operation: Operation, start: number | undefined, count: number | undefined, error: unknown): Promise<never> {
    const context = { operation, device: this.#info.name, start, count };
    return Promise.reject(BlockError.from(error, context));
  }
}
