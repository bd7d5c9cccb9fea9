/** A request that could not go on for lack of memory. */
export interface Waiter {
  /** Writers also wait for dirty data to leave, so a reader may pass them where it can go on and they cannot. */
  readonly kind: 'read' | 'write';
  /** Goes on as far as memory allows. True once it needs no more. */
  advance(): boolean;
  /** There will be no memory. */
  fail(error: unknown): void;
}

/**
 * Hands out memory first come, first served. Requests join when they cannot go on by themselves; `progress` is called whenever
 * memory may have become free, and lets the oldest go on first [C2].
 */
export class Admission {
  /** Oldest first, by kind; each entry remembers its place among all. */
  readonly #queues: Readonly<Record<Waiter['kind'], { readonly waiter: Waiter; readonly ticket: number }[]>> = {
    read: [],
    write: [],
  };
  #tickets = 0;
  #progressing = false;
  #again = false;
  #endError: { readonly error: unknown } | undefined;

  /** Requests that wait. */
  get count(): number {
    return this.#queues.read.length + this.#queues.write.length;
  }

  /** Whether a request of this kind has to wait in the queue, although it might find memory now. */
  mustWait(kind: Waiter['kind']): boolean {
    return this.#queues[kind].length > 0;
  }

  join(waiter: Waiter): void {
    if (this.#endError !== undefined) waiter.fail(this.#endError.error);
    else this.#queues[waiter.kind].push({ waiter, ticket: this.#tickets++ });
  }

  progress(): void {
    if (this.#progressing) {
      this.#again = true;
      return;
    }
    this.#progressing = true;
    try {
      do {
        this.#again = false;
        this.#advanceAll();
      } while (this.#again);
    } finally {
      this.#progressing = false;
    }
  }

  /** No memory will come for these: each is told so once. */
  fail(kind: Waiter['kind'], error: unknown): void {
    for (const { waiter } of this.#queues[kind].splice(0)) waiter.fail(error);
  }

  /** No memory will come for anyone, now or later. */
  end(error: unknown): void {
    this.#endError = { error };
    this.fail('read', error);
    this.fail('write', error);
  }

  #advanceAll(): void {
    const { read, write } = this.#queues;
    const blocked = { read: false, write: false };
    for (;;) {
      const reader = blocked.read ? undefined : read[0];
      const writer = blocked.write ? undefined : write[0];
      const next = older(reader, writer);
      if (next === undefined) return;
      const { kind } = next.waiter;
      if (!advanced(next.waiter)) blocked[kind] = true;
      else if (this.#queues[kind][0] === next) this.#queues[kind].shift();
    }
  }
}

/** Lets one waiter go on. What it throws is its own failure, and in no one else's way. */
function advanced(waiter: Waiter): boolean {
  try {
    return waiter.advance();
  } catch (error) {
    waiter.fail(error);
    return true;
  }
}

function older<T extends { readonly ticket: number }>(a: T | undefined, b: T | undefined): T | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.ticket < b.ticket ? a : b;
}
