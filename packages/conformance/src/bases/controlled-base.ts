import {
  type BlockDevice,
  BlockError,
  type BlockErrorCode,
  type DeviceInfo,
  type DisconnectOptions,
  type Extent,
  isBlockError,
  type Operation,
  type SectorRange,
} from '@blockyard/block';

import { ReadsInFlight } from './reads-in-flight.js';

/** Errors that only a caller that breaks the contract gets. */
const MISUSE: readonly BlockErrorCode[] = [
  'INVALID_ARGUMENT',
  'UNALIGNED',
  'OUT_OF_BOUNDS',
  'READ_ONLY',
  'DISCONNECTED',
];

/**
 * A device over a good one whose operations a test can hold up and make fail, and which counts them: the base under wrapped
 * subjects.
 */
export class ControlledBase implements BlockDevice {
  readonly #inner: BlockDevice;
  readonly #calls = new Map<Operation, number>();
  readonly #faults = new Map<Operation, BlockErrorCode>();
  readonly #held = new Set<Operation>();
  readonly #misuses: string[] = [];
  readonly #reads = new ReadsInFlight();
  #waiting: { readonly operation: Operation; readonly go: () => void }[] = [];
  #watchers: { readonly operation: Operation; readonly calls: number; readonly notify: () => void }[] = [];
  readonly #raised = new WeakSet<object>();
  readonly #lost = new AbortController();
  #disconnects = 0;
  #forced = false;

  constructor(inner: BlockDevice) {
    this.#inner = inner;
  }

  /** Calls of `operation` so far. */
  calls(operation: Operation): number {
    return this.#calls.get(operation) ?? 0;
  }

  /** Disconnects that succeeded. */
  get disconnects(): number {
    return this.#disconnects;
  }

  /** Descriptions of calls that no caller of a device may make. */
  get misuses(): readonly string[] {
    return this.#misuses;
  }

  /** From now on calls of these operations wait until `release`. A forced disconnect never waits. */
  hold(...operations: Operation[]): void {
    for (const operation of operations) this.#held.add(operation);
  }

  /** Carries out the held calls of these operations, or of all, last come first. */
  release(...operations: Operation[]): void {
    const released = operations.length === 0 ? [...this.#held] : operations;
    for (const operation of released) this.#held.delete(operation);
    const waiting = this.#waiting.reverse();
    this.#waiting = waiting.filter(({ operation }) => this.#held.has(operation)).reverse();
    for (const { operation, go } of waiting) if (!this.#held.has(operation)) go();
  }

  /** From now on calls of `operation` fail with `code` and change nothing, until `heal`. */
  fail(operation: Operation, code: BlockErrorCode): void {
    this.#faults.set(operation, code);
  }

  /** Another writer has it: from now on every change is `FENCED`, for ever. */
  lose(): void {
    for (const operation of ['write', 'discard', 'writeZeroes', 'resize', 'flush'] as const)
      this.fail(operation, 'FENCED');
    this.#lost.abort(this.#raise('FENCED', 'write'));
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Nothing fails from now on. */
  heal(): void {
    this.#faults.clear();
  }

  /** Whether a failure that was asked for is `error`, or among its causes. */
  isCauseOf(error: unknown): boolean {
    for (let at = error; at instanceof Error; at = at.cause) if (this.#raised.has(at)) return true;
    return false;
  }

  /** Resolves when `operation` has been called `calls` times. */
  called(operation: Operation, calls = 1): Promise<void> {
    if (this.calls(operation) >= calls) return Promise.resolve();
    return new Promise((resolve) => {
      this.#watchers.push({ operation, calls, notify: resolve });
    });
  }

  get info(): DeviceInfo {
    return this.#inner.info;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const list = [...buffers];
    this.#watchMemory('read', start, list);
    const end = this.#reads.begin(list);
    return this.#pass('read', () => this.#inner.read(start, list)).finally(end);
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const list = [...buffers];
    this.#watchMemory('write', start, list);
    return this.#pass('write', () => this.#inner.write(start, list));
  }

  flush(range?: SectorRange): Promise<void> {
    return this.#pass('flush', () => this.#inner.flush(range));
  }

  resize(sizeSectors: number): Promise<void> {
    return this.#pass('resize', () => this.#inner.resize(sizeSectors));
  }

  discard(start: number, count: number): Promise<void> {
    return this.#pass('discard', () => this.#inner.discard(start, count));
  }

  writeZeroes(start: number, count: number): Promise<void> {
    return this.#pass('writeZeroes', () => this.#inner.writeZeroes(start, count));
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#pass('extents', () => this.#inner.extents(start, count));
  }

  async disconnect(options: DisconnectOptions = {}): Promise<void> {
    if (options.force === true) {
      this.#forced = true;
      await this.#inner.disconnect(options);
    } else {
      await this.#pass('disconnect', () => this.#inner.disconnect(options));
    }
    this.#disconnects++;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  async #pass<T>(operation: Operation, call: () => Promise<T>): Promise<T> {
    this.#calls.set(operation, this.calls(operation) + 1);
    this.#notify();
    if (this.#held.has(operation)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push({ operation, go: resolve });
      });
    }
    const fault = this.#faults.get(operation);
    if (fault !== undefined) throw this.#raise(fault, operation);
    return call().catch((error: unknown) => {
      this.#judge(operation, error);
      throw error;
    });
  }

  #raise(code: BlockErrorCode, operation: Operation): BlockError {
    const error = new BlockError(code, `the base was told to fail ${operation}`, { operation });
    this.#raised.add(error);
    return error;
  }

  #judge(operation: Operation, error: unknown): void {
    if (!isBlockError(error) || !MISUSE.includes(error.code)) return;
    if (error.code === 'DISCONNECTED' && this.#forced) return;
    this.#misuses.push(`${operation}: ${error.message}`);
  }

  #watchMemory(operation: Operation, start: number, buffers: readonly Uint8Array[]): void {
    if (this.#reads.overlaps(buffers)) {
      this.#misuses.push(`${operation} from ${start}: it has memory of a read that has not settled`);
    }
  }

  #notify(): void {
    const due = this.#watchers.filter((watcher) => this.calls(watcher.operation) >= watcher.calls);
    this.#watchers = this.#watchers.filter((watcher) => !due.includes(watcher));
    for (const watcher of due) watcher.notify();
  }
}
