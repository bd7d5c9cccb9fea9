import { type BlockDevice, BlockError, type Clock } from '@blockyard/block';

/** Times that what is dirty is flushed before the pause, at most, and how quick the last of them is to have been, in milliseconds. */
const FLUSHES_MAX = 4;
const FLUSH_QUICK_MS = 10;
/** One that takes a larger share of the time of the one before has gained nothing. */
const FLUSH_GAIN_SHARE = 0.9;

/** The devices of a server that another process is to open. */
export class MovingDevices {
  readonly #names: () => ReadonlyMap<BlockDevice, readonly string[]>;
  readonly #open: (exportName: string) => Promise<BlockDevice>;
  /** Those that are disconnected, or about to be. One that failed to be is connected still [E4], and is not among them. */
  readonly #released = new Set<BlockDevice>();
  #isStranded = false;
  #isOver = false;

  /** `names` gives the devices with the names of their exports, `open` opens one of them again. */
  constructor(
    names: () => ReadonlyMap<BlockDevice, readonly string[]>,
    open: (exportName: string) => Promise<BlockDevice>,
  ) {
    this.#names = names;
    this.#open = open;
  }

  /** Whether one of them cannot be opened again. */
  get areStranded(): boolean {
    return this.#isStranded;
  }

  /** While clients are served: so that little is left for the pause. */
  async flushAhead(clock: Clock): Promise<void> {
    let beforeMs = Number.POSITIVE_INFINITY;
    for (let flushes = 0; flushes < FLUSHES_MAX; flushes++) {
      const beginMs = clock.now();
      await this.flush();
      const tookMs = clock.now() - beginMs;
      // What comes as fast as it is flushed is left for the pause: to go on would take as long each time.
      if (tookMs <= FLUSH_QUICK_MS || tookMs > FLUSH_GAIN_SHARE * beforeMs) return;
      beforeMs = tookMs;
    }
  }

  /** Makes everything durable. */
  async flush(): Promise<void> {
    await Promise.all([...this.#names().keys()].map((device) => device.flush()));
  }

  /** Disconnects them, once they are flushed, unless it was given up before. */
  async release(): Promise<void> {
    if (this.#isOver) return;
    const release = async (device: BlockDevice) => {
      this.#released.add(device);
      try {
        await device.disconnect();
      } catch (error) {
        this.#released.delete(device);
        throw error;
      }
    };
    await Promise.all([...this.#names().keys()].map(release));
  }

  /** Nothing further is released. */
  giveUp(): void {
    this.#isOver = true;
  }

  /**
   * Opens those again that were released, all at once, since their clients wait. Gives the devices by the names of their exports. If one
   * cannot be opened, none is.
   */
  async takeBack(): Promise<ReadonlyMap<string, BlockDevice>> {
    const opened = new Map<string, BlockDevice>();
    const takeBack = async (device: BlockDevice) => {
      // Everything was flushed: nothing is given up by it, and one that hangs comes to its end.
      await device.disconnect({ force: true });
      const names = this.#names().get(device) ?? [];
      const [first] = names;
      if (first === undefined) throw new Error('a device has an export');
      const again = await this.#openAgain(first);
      for (const name of names) opened.set(name, again);
    };
    const outcomes = await Promise.allSettled([...this.#released].map(takeBack));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure === undefined) return opened;
    await Promise.all([...new Set(opened.values())].map((device) => device.disconnect({ force: true })));
    throw failure.reason;
  }

  async #openAgain(exportName: string): Promise<BlockDevice> {
    try {
      return await this.#open(exportName);
    } catch (cause) {
      this.#isStranded = true;
      const { code, message } = BlockError.from(cause, { operation: 'connect', device: exportName });
      throw new BlockError(code, `the successor failed, and the device cannot be opened again: ${message}`, { cause });
    }
  }
}
