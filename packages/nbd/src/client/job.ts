import { byteLengthOf } from '@blockyard/block';

/** Status of a run of bytes, as BLOCK_STATUS gives it. */
export interface StatusRun {
  readonly lengthBytes: number;
  readonly status: number;
}

/** One request and its outcome. It can be sent again on another connection until it is settled. */
export class Job {
  readonly command: number;
  readonly flags: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** For WRITE what is to be sent, for READ what is to be filled. */
  readonly buffers: readonly Uint8Array[];
  /** For BLOCK_STATUS: what was found. */
  statuses: StatusRun[] = [];
  /** Errno of the first error in the reply. */
  errno = 0;
  /** What the server says about it. */
  message = '';
  /** Ranges of a READ that have arrived, in bytes from its beginning. */
  arrived: { readonly from: number; readonly to: number }[] = [];
  arrivedBytes = 0;
  /** How often its connection was lost. Connections that were there at the loss before, and fell later, do not count. */
  losses = 0;
  /** Connections that had been made when it was lost last: none of them is another chance. */
  #madeAtLoss = 0;
  readonly settled: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(
    command: number,
    flags: number,
    offsetBytes: number,
    lengthBytes: number,
    buffers: readonly Uint8Array[] = [],
  ) {
    this.command = command;
    this.flags = flags;
    this.offsetBytes = offsetBytes;
    this.lengthBytes = lengthBytes;
    this.buffers = buffers;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Forgets what a lost connection has brought. */
  restart(): void {
    this.errno = 0;
    this.message = '';
    this.arrived = [];
    this.arrivedBytes = 0;
    this.statuses = [];
  }

  /**
   * The connection number `made` was lost before the answer came, when `madeInAll` had been made. Those that fall together with it
   * count once.
   */
  lost(made: number, madeInAll: number): void {
    if (made > this.#madeAtLoss) this.losses++;
    this.#madeAtLoss = madeInAll;
  }

  /**
   * Whether its buffers are what they were when it was made. Their owner may have transferred one away, or shrunk its memory: then
   * it fails, and nothing else may.
   */
  get isWhole(): boolean {
    return this.buffers.length === 0 || byteLengthOf(this.buffers) === this.lengthBytes;
  }

  resolve(): void {
    this.#resolve();
  }

  reject(error: unknown): void {
    this.#reject(error);
  }

  /** Whether the chunks that arrived cover the range exactly once. */
  get covered(): boolean {
    let at = 0;
    for (const { from, to } of this.arrived.sort((a, b) => a.from - b.from)) {
      if (from !== at) return false;
      at = to;
    }
    return at === this.lengthBytes;
  }
}
