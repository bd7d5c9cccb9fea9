import type { BlockDevice, DeviceInfo, DisconnectOptions, Extent, Loan, SectorRange } from '@blockyard/block';

/** A device as its clients see it: once they are dead, no call ever comes back to them. */
export class ObservedDevice implements BlockDevice {
  readonly #device: BlockDevice;
  #isOver = false;
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  constructor(device: BlockDevice) {
    this.#device = device;
  }

  /** What it looks at. */
  get inner(): BlockDevice {
    return this.#device;
  }

  /** Operations of clients in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Resolves when every operation of clients has settled. */
  async settled(): Promise<void> {
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The clients are no more. */
  leave(): void {
    this.#isOver = true;
  }

  get info(): DeviceInfo {
    return this.#device.info;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#pass(this.#device.read(start, buffers));
  }

  lend(start: number, count: number): Loan | undefined {
    return this.#isOver ? undefined : this.#device.lend?.(start, count);
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#pass(this.#device.write(start, buffers));
  }

  flush(range?: SectorRange): Promise<void> {
    return this.#pass(this.#device.flush(range));
  }

  resize(sizeSectors: number): Promise<void> {
    return this.#pass(this.#device.resize(sizeSectors));
  }

  discard(start: number, count: number): Promise<void> {
    return this.#pass(this.#device.discard(start, count));
  }

  writeZeroes(start: number, count: number): Promise<void> {
    return this.#pass(this.#device.writeZeroes(start, count));
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#pass(this.#device.extents(start, count));
  }

  disconnect(options?: DisconnectOptions): Promise<void> {
    return this.#pass(this.#device.disconnect(options));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  #pass<T>(call: Promise<T>): Promise<T> {
    this.#inFlight++;
    return new Promise((resolve, reject) => {
      call.then(
        (result) => {
          this.#leave();
          if (!this.#isOver) resolve(result);
        },
        (error: unknown) => {
          this.#leave();
          if (!this.#isOver) reject(error);
        },
      );
    });
  }

  #leave(): void {
    this.#inFlight--;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
