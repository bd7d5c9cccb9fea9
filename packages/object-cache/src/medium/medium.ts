import { type BlockDevice, BlockError, type Clock, type DeviceInfo, type Operation } from '@blockyard/block';
import { Health } from './health.js';

export interface MediumOptions {
  readonly clock: Clock;
  /** Longest that anything waits for the medium. */
  readonly maxWaitMs: number;
  readonly onError: (error: BlockError) => void;
}

/** The medium, by bytes: no call takes longer than is allowed, and each that fails is remembered. */
export class Medium {
  readonly reads: Health;
  readonly writes: Health;
  readBytes = 0;
  readCalls = 0;
  writtenBytes = 0;
  readonly #device: BlockDevice;
  readonly #options: MediumOptions;
  /** Calls that were given up and have not come back. */
  readonly #hanging: Record<'read' | 'write', number> = { read: 0, write: 0 };

  constructor(device: BlockDevice, options: MediumOptions) {
    this.#device = device;
    this.#options = options;
    this.reads = new Health(options.clock, options.onError);
    this.writes = new Health(options.clock, options.onError);
  }

  get info(): DeviceInfo {
    return this.#device.info;
  }

  /** Whether it is time to see if it can be read again. A probe that hangs is not joined by another. */
  get isReadProbeDue(): boolean {
    return this.reads.isDue && this.#hanging.read === 0;
  }

  get canWrite(): boolean {
    return this.writes.isGood || (this.writes.isDue && this.#hanging.write === 0);
  }

  /** Calls that failed, ever. */
  get failures(): number {
    return this.reads.failures + this.writes.failures;
  }

  /** Bytes `start` to `end`, which are whole sectors. */
  async read(start: number, end: number): Promise<Uint8Array> {
    const { sectorSize } = this.info;
    const bytes = Buffer.allocUnsafeSlow(end - start);
    this.readCalls++;
    await this.#within('read', this.#device.read(start / sectorSize, [bytes]), this.reads);
    this.readBytes += bytes.byteLength;
    return bytes;
  }

  /** Whole sectors, from byte `start` on. They belong to the medium until the call has come back. */
  async write(start: number, bytes: Uint8Array): Promise<void> {
    await this.#within('write', this.#device.write(start / this.info.sectorSize, [bytes]), this.writes);
    this.writtenBytes += bytes.byteLength;
    this.writes.recover();
    this.writes.prove();
  }

  async flush(): Promise<void> {
    await this.#within('write', this.#device.flush(), this.writes);
  }

  /** Ends the device, by force if it does not end otherwise. */
  async disconnect(): Promise<void> {
    try {
      await this.#bounded('disconnect', this.#device.disconnect());
    } catch {
      await this.#bounded('disconnect', this.#device.disconnect({ force: true })).catch(() => {});
    }
  }

  async #within(kind: 'read' | 'write', call: Promise<void>, health: Health): Promise<void> {
    try {
      await this.#bounded(kind, call, () => {
        this.#hanging[kind]++;
        const back = () => {
          this.#hanging[kind]--;
        };
        call.then(back, back);
      });
    } catch (error) {
      const failure = BlockError.from(error, { operation: kind, device: this.info.name });
      health.fail(failure);
      throw failure;
    }
  }

  /** Settles as the call does, or is `TIMEOUT`. */
  #bounded(operation: Operation, call: Promise<void>, onTimeout = () => {}): Promise<void> {
    const { clock, maxWaitMs } = this.#options;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        onTimeout();
        reject(new BlockError('TIMEOUT', `the medium has not answered within ${maxWaitMs} ms`, { operation }));
      };
      // In two steps: where the process itself stood still, an answer that has come is seen between them.
      const firstMs = Math.ceil(maxWaitMs / 2);
      let timer = clock.set(() => {
        timer = clock.set(giveUp, maxWaitMs - firstMs);
      }, firstMs);
      call.then(resolve, reject).finally(() => clock.clear(timer));
    });
  }
}
