import type { BlockError, Clock } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';

/** A segment on its way to the store. */
export interface Upload<T> {
  readonly key: string;
  readonly body: Uint8Array;
  /** When the body may be sent. Undefined: now. */
  readonly ready?: Promise<void> | undefined;
  /** The same at each attempt: by it the store knows again what it stored. */
  readonly stamp: string;
  /** What it is to whom sends it. */
  readonly content: T;
}

export interface UploadQueueParts<T> {
  readonly store: Pick<ObjectStore, 'put' | 'urlOf'>;
  readonly clock: Clock;
  /** Called for each upload in the order in which they were pushed, once it and all before it are stored. */
  readonly onDurable: (upload: Upload<T>, isLate: boolean) => void;
  /** Another object is where the upload was to go, so someone else has gone on with the log. Returns what to fail with. */
  readonly onTaken: (upload: Upload<T>) => BlockError;
  /** An attempt has failed, and will be repeated. */
  readonly onFailed: (error: BlockError) => void;
}

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 10_000;

interface Entry<T> extends Upload<T> {
  readonly number: number;
  isStored: boolean;
  /** An attempt was not answered, and may still read the body. */
  isLate: boolean;
  failures: number;
  /** Ends the pause before the next attempt. */
  retry: (() => void) | undefined;
}

interface Waiter {
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Stores segments, several at once, and tells when they are durable: a segment counts once all before it are stored.
 *
 * An upload that fails is repeated, with growing pauses and the same bytes, until it is stored or the queue is stopped. It
 * fails those who wait for it or for what comes after it.
 */
export class UploadQueue<T> {
  readonly #parts: UploadQueueParts<T>;
  #entries: Entry<T>[] = [];
  #waiters: Waiter[] = [];
  #pushed = 0;
  #durable = 0;
  #stopped: BlockError | undefined;

  constructor(parts: UploadQueueParts<T>) {
    this.#parts = parts;
  }

  /** Uploads that are not durable. */
  get length(): number {
    return this.#entries.length;
  }

  /** Number of the last upload that was pushed; the first one is 1. */
  get lastNumber(): number {
    return this.#pushed;
  }

  push(upload: Upload<T>): void {
    const entry = { ...upload, number: ++this.#pushed, isStored: false, isLate: false, failures: 0, retry: undefined };
    this.#entries.push(entry);
    void this.#send(entry);
  }

  /** Resolves once the upload of that number is durable. Rejects if an attempt that it depends on fails meanwhile. */
  waitFor(number: number): Promise<void> {
    if (number <= this.#durable) return Promise.resolve();
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    for (const entry of this.#entries) if (entry.number <= number) entry.retry?.();
    return new Promise((resolve, reject) => this.#waiters.push({ number, resolve, reject }));
  }

  /** Sends nothing more, and fails those who wait, now and later. */
  stop(error: BlockError): void {
    this.#stopped ??= error;
    for (const entry of this.#entries) entry.retry?.();
    this.#fail(0, this.#stopped);
  }

  async #send(entry: Entry<T>): Promise<void> {
    const { store, onTaken, onFailed } = this.#parts;
    if (entry.ready !== undefined) await entry.ready;
    while (this.#stopped === undefined) {
      const result = await store.put(entry.key, entry.body, 'absent', entry.stamp);
      entry.isLate ||= result.late;
      if (this.#stopped !== undefined) return;
      if (result.kind === 'stored') {
        entry.isStored = true;
        this.#advance();
        return;
      }
      if (result.kind === 'lost') {
        this.stop(onTaken(entry));
        return;
      }
      entry.failures++;
      this.#fail(entry.number, result.error);
      onFailed(result.error);
      await this.#pause(entry);
    }
  }

  #advance(): void {
    for (;;) {
      const [first] = this.#entries;
      if (first?.isStored !== true) break;
      this.#entries.shift();
      this.#durable = first.number;
      this.#parts.onDurable(first, first.isLate);
    }
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ number }) => number > this.#durable);
    for (const { number, resolve } of waiters) if (number <= this.#durable) resolve();
  }

  /** Fails those who wait for the upload of that number, or a later one. */
  #fail(number: number, error: BlockError): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.number < number);
    for (const waiter of waiters) if (waiter.number >= number) waiter.reject(error);
  }

  #pause(entry: Entry<T>): Promise<void> {
    const { clock } = this.#parts;
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(entry.failures - 1, 16));
    return new Promise((resolve) => {
      if (this.#stopped !== undefined) return resolve();
      const end = () => {
        clock.clear(timer);
        entry.retry = undefined;
        resolve();
      };
      const timer = clock.set(end, delayMs);
      entry.retry = end;
    });
  }
}
