/** What one client holds, see {@link Budget}. */
export interface Account {
  /** Bytes taken and not given back. */
  readonly usedBytes: number;
  /** Takes the bytes now, if they are to be had. */
  tryTake(bytes: number): boolean;
  /**
   * Takes `bytes` as soon as the client's own share has room for them; or, where others hold too much of what all share, no more than
   * `Budget.pieceBytes`. Then calls `granted` with what was taken. One wait at a time.
   */
  wait(bytes: number, granted: (bytes: number) => void): void;
  give(bytes: number): void;
  /** Ends a wait. */
  close(): void;
}

export interface BudgetLimits {
  readonly totalBytes: number;
  readonly clientBytes: number;
  readonly clientsMax: number;
}

/** What every client can have whatever the others do, in bytes, where the total allows it. */
const RESERVE_BYTES_MAX = 2 * 1024 * 1024;

/** The least that it can be, in bytes: memory for small requests is taken in this measure. */
export const RESERVE_BYTES_MIN = 256 * 1024;

/**
 * Bytes in flight, bounded over all clients and for each of them.
 *
 * Each client has a reserve of its own; what goes beyond comes from a pool. No one ever waits for what others hold: while the pool
 * has not enough for a request, its client is granted a piece of its own reserve instead, through which the request passes bit by
 * bit. A client waits only until it gives back some of its own. No one may ask for more than a client's share.
 */
export class Budget {
  /** Bytes that every client can be granted, a power of two. */
  readonly pieceBytes: number;
  readonly #clientBytesMax: number;
  readonly #reserveBytes: number;
  #sharedFreeBytes: number;
  #usedBytes = 0;
  readonly #onShort: () => void;

  /** `onShort` is called whenever a client is granted a piece for want of what others hold. */
  constructor({ totalBytes, clientBytes, clientsMax }: BudgetLimits, onShort: () => void = () => {}) {
    this.#clientBytesMax = clientBytes;
    this.#reserveBytes = Math.min(RESERVE_BYTES_MAX, Math.floor(totalBytes / (2 * clientsMax)));
    // Half of it, so that small requests pass beside a large one.
    this.pieceBytes = Math.max(RESERVE_BYTES_MIN, 2 ** Math.floor(Math.log2(this.#reserveBytes / 2)));
    this.#sharedFreeBytes = totalBytes - this.#reserveBytes * clientsMax;
    this.#onShort = onShort;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  open(): Account {
    return new ClientAccount(this);
  }

  /** @internal */
  fitsClient(account: ClientAccount, bytes: number): boolean {
    return account.usedBytes + bytes <= this.#clientBytesMax;
  }

  /** @internal Takes the bytes if they are there. */
  take(account: ClientAccount, bytes: number): boolean {
    const sharedBytes = this.#sharedOf(account.usedBytes + bytes) - this.#sharedOf(account.usedBytes);
    if (sharedBytes > this.#sharedFreeBytes) return false;
    this.#sharedFreeBytes -= sharedBytes;
    this.#usedBytes += bytes;
    account.usedBytes += bytes;
    return true;
  }

  /** @internal */
  takePiece(account: ClientAccount): boolean {
    if (!this.take(account, this.pieceBytes)) return false;
    this.#onShort();
    return true;
  }

  /** @internal */
  give(account: ClientAccount, bytes: number): void {
    if (bytes > account.usedBytes) throw new Error(`${bytes} bytes given back of ${account.usedBytes} that were taken`);
    this.#sharedFreeBytes += this.#sharedOf(account.usedBytes) - this.#sharedOf(account.usedBytes - bytes);
    this.#usedBytes -= bytes;
    account.usedBytes -= bytes;
    account.retry();
  }

  #sharedOf(usedBytes: number): number {
    return Math.max(0, usedBytes - this.#reserveBytes);
  }
}

class ClientAccount implements Account {
  usedBytes = 0;
  readonly #budget: Budget;
  #waiting: { readonly bytes: number; readonly granted: (bytes: number) => void } | undefined;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  tryTake(bytes: number): boolean {
    if (this.#waiting !== undefined) return false;
    return this.#budget.fitsClient(this, bytes) && this.#budget.take(this, bytes);
  }

  wait(bytes: number, granted: (bytes: number) => void): void {
    if (this.#waiting !== undefined) throw new Error('a client waits for memory once at a time');
    this.#waiting = { bytes, granted };
    this.retry();
  }

  give(bytes: number): void {
    this.#budget.give(this, bytes);
  }

  close(): void {
    this.#waiting = undefined;
  }

  /** Serves who waits, if the client has given back enough. */
  retry(): void {
    const waiting = this.#waiting;
    const budget = this.#budget;
    if (waiting === undefined || !budget.fitsClient(this, waiting.bytes)) return;
    if (budget.take(this, waiting.bytes)) this.#grant(waiting.bytes);
    else if (budget.pieceBytes < waiting.bytes && budget.takePiece(this)) this.#grant(budget.pieceBytes);
  }

  #grant(bytes: number): void {
    const granted = this.#waiting?.granted;
    this.#waiting = undefined;
    granted?.(bytes);
  }
}
