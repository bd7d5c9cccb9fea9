/** What one client holds, see {@link Budget}. */
export interface Account {
  /** Bytes taken and not given back. */
  readonly usedBytes: number;
  /** Takes the bytes now, if they are to be had and nobody is passed over. */
  tryTake(bytes: number): boolean;
  /** Takes the bytes as soon as they are to be had, then calls `granted`. One wait at a time. */
  wait(bytes: number, granted: () => void): void;
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
const RESERVE_BYTES_MAX = 1024 * 1024;

/**
 * Bytes in flight, bounded over all clients and for each of them.
 *
 * Each client has a small reserve of its own; what goes beyond comes from a pool that is handed out first come, first served. So
 * clients that pin the whole pool delay large requests of the others, but never small ones. Nobody may ask for more than a client's
 * share, or for more than half of the total: that would wait for ever.
 */
export class Budget {
  readonly #clientBytesMax: number;
  readonly #reserveBytes: number;
  #sharedFreeBytes: number;
  #usedBytes = 0;
  readonly #queue = new Set<ClientAccount>();
  readonly #onStarving: () => void;

  /** `onStarving` is called when the first client begins to wait for what others hold. */
  constructor({ totalBytes, clientBytes, clientsMax }: BudgetLimits, onStarving: () => void = () => {}) {
    this.#clientBytesMax = clientBytes;
    this.#reserveBytes = Math.min(RESERVE_BYTES_MAX, Math.floor(totalBytes / (2 * clientsMax)));
    this.#sharedFreeBytes = totalBytes - this.#reserveBytes * clientsMax;
    this.#onStarving = onStarving;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether somebody waits for what others hold. */
  get starving(): boolean {
    return this.#queue.size > 0;
  }

  open(): Account {
    return new ClientAccount(this);
  }

  /** @internal */
  fitsClient(account: ClientAccount, bytes: number): boolean {
    return account.usedBytes + bytes <= this.#clientBytesMax;
  }

  /** @internal Takes the bytes if they are there. */
  take(account: ClientAccount, bytes: number, inTurn: boolean): boolean {
    const sharedBytes = this.#sharedOf(account.usedBytes + bytes) - this.#sharedOf(account.usedBytes);
    if (sharedBytes > 0 && (sharedBytes > this.#sharedFreeBytes || !(inTurn || this.#queue.size === 0))) return false;
    this.#sharedFreeBytes -= sharedBytes;
    this.#usedBytes += bytes;
    account.usedBytes += bytes;
    return true;
  }

  /** @internal */
  give(account: ClientAccount, bytes: number): void {
    if (bytes > account.usedBytes) throw new Error(`${bytes} bytes given back of ${account.usedBytes} that were taken`);
    this.#sharedFreeBytes += this.#sharedOf(account.usedBytes) - this.#sharedOf(account.usedBytes - bytes);
    this.#usedBytes -= bytes;
    account.usedBytes -= bytes;
    account.retry();
    this.#serve();
  }

  /** @internal */
  enqueue(account: ClientAccount): void {
    this.#queue.add(account);
    if (this.#queue.size === 1) this.#onStarving();
  }

  /** @internal */
  dequeue(account: ClientAccount): void {
    if (this.#queue.delete(account)) this.#serve();
  }

  #sharedOf(usedBytes: number): number {
    return Math.max(0, usedBytes - this.#reserveBytes);
  }

  /** Serves who waits, in order; the first who does not fit holds back the others, or it would never be served. */
  #serve(): void {
    for (const account of this.#queue) {
      if (!account.takeInTurn()) return;
      this.#queue.delete(account);
      account.grant();
    }
  }
}

class ClientAccount implements Account {
  usedBytes = 0;
  readonly #budget: Budget;
  #waiting: { readonly bytes: number; readonly granted: () => void } | undefined;
  #queued = false;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  tryTake(bytes: number): boolean {
    if (this.#waiting !== undefined) return false;
    return this.#budget.fitsClient(this, bytes) && this.#budget.take(this, bytes, false);
  }

  wait(bytes: number, granted: () => void): void {
    if (this.#waiting !== undefined) throw new Error('a client waits for memory once at a time');
    this.#waiting = { bytes, granted };
    this.retry();
  }

  give(bytes: number): void {
    this.#budget.give(this, bytes);
  }

  close(): void {
    this.#waiting = undefined;
    this.#queued = false;
    this.#budget.dequeue(this);
  }

  /** Tries what waits for this client's own bytes; what then still lacks shared ones gets in line. */
  retry(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#queued || !this.#budget.fitsClient(this, waiting.bytes)) return;
    if (this.#budget.take(this, waiting.bytes, false)) {
      this.grant();
      return;
    }
    this.#queued = true;
    this.#budget.enqueue(this);
  }

  takeInTurn(): boolean {
    return this.#waiting !== undefined && this.#budget.take(this, this.#waiting.bytes, true);
  }

  grant(): void {
    const granted = this.#waiting?.granted;
    this.#waiting = undefined;
    this.#queued = false;
    granted?.();
  }
}
