import {
  type BlockDevice,
  BlockError,
  byteLengthOf,
  type Clock,
  type DeviceInfo,
  isBlockError,
  type Operation,
} from '@blockyard/block';
import { coalesce } from '@blockyard/block/async';

/** The medium, by bytes. No call takes longer than is allowed; while one that was given up has not come back, others fail at once. */
export class Medium {
  writtenBytes = 0;
  flushes = 0;
  readonly #device: BlockDevice;
  readonly #clock: Clock;
  readonly #maxWaitMs: number;
  readonly #flush: () => Promise<void>;
  /** Calls that were given up and have not come back. */
  readonly #hanging: Record<'read' | 'write', number> = { read: 0, write: 0 };
  #hasEnded = false;

  constructor(device: BlockDevice, clock: Clock, maxWaitMs: number) {
    this.#device = device;
    this.#clock = clock;
    this.#maxWaitMs = maxWaitMs;
    this.#flush = coalesce(() => this.#call('write', () => this.#device.flush()));
  }

  get info(): DeviceInfo {
    return this.#device.info;
  }

  get sizeBytes(): number {
    return this.info.sizeSectors * this.info.sectorSize;
  }

  /** So many bytes from byte `at` on. Both are whole sectors. */
  async read(at: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes);
    await this.#call('read', () => this.#device.read(at / this.info.sectorSize, [bytes]));
    return bytes;
  }

  /** Whole sectors each, from byte `at` on. If it times out, they are in use for longer. */
  async write(at: number, buffers: readonly Uint8Array[]): Promise<void> {
    await this.#call('write', () => this.#device.write(at / this.info.sectorSize, buffers));
    this.writtenBytes += byteLengthOf(buffers);
  }

  /** The same, and they are durable when it resolves; nothing else need be. Undefined where that costs what a flush does. */
  get writeDurably(): ((at: number, buffers: readonly Uint8Array[]) => Promise<void>) | undefined {
    const { writeDurably } = this.#device;
    if (writeDurably === undefined) return undefined;
    return async (at, buffers) => {
      await this.#call('write', () => writeDurably.call(this.#device, at / this.info.sectorSize, buffers));
      this.writtenBytes += byteLengthOf(buffers);
      this.flushes++;
    };
  }

  /** What was written before the call is durable. Calls at once share the work. */
  async flush(): Promise<void> {
    await this.#flush();
    this.flushes++;
  }

  /** Ends the device, by force if it does not end otherwise. Never rejects. */
  async disconnect(): Promise<void> {
    this.#hasEnded = true;
    try {
      await this.#bounded('disconnect', this.#device.disconnect());
    } catch {
      await this.force();
    }
  }

  /** Gives the device up. Never rejects. */
  async force(): Promise<void> {
    this.#hasEnded = true;
    await this.#bounded('disconnect', this.#device.disconnect({ force: true })).catch(() => {});
  }

  async #call(kind: 'read' | 'write', begin: () => Promise<void>): Promise<void> {
    if (this.#hasEnded) throw new BlockError('DISCONNECTED', 'the medium was disconnected');
    if (this.#hanging[kind] > 0) throw this.#timeout(kind, 'an earlier call is still unanswered');
    const call = begin();
    await this.#bounded(kind, call, () => {
      this.#hanging[kind]++;
      const back = () => {
        this.#hanging[kind]--;
      };
      call.then(back, back);
    });
  }

  /** Settles as the call does, or is `TIMEOUT`. */
  #bounded(operation: Operation, call: Promise<void>, onTimeout = () => {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        onTimeout();
        reject(this.#timeout(operation, `no answer within ${this.#maxWaitMs} ms`));
      };
      // In two steps: where the process itself stood still, an answer that has come is seen between them.
      const firstMs = Math.ceil(this.#maxWaitMs / 2);
      let timer = this.#clock.set(() => {
        timer = this.#clock.set(giveUp, this.#maxWaitMs - firstMs);
      }, firstMs);
      call.then(resolve, reject).finally(() => this.#clock.clear(timer));
    });
  }

  #timeout(operation: Operation, what: string): BlockError {
    return new BlockError('TIMEOUT', `${operation} on ${this.info.name}: ${what}`, {
      operation,
      device: this.info.name,
    });
  }
}

/** Whether a medium says that what it has somewhere is lost, and not that it cannot be reached now. */
export function isUnreadable(error: unknown): boolean {
  return isBlockError(error) && (error.code === 'IO' || error.code === 'CORRUPT');
}
