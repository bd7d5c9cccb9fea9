import { type BlockDevice, BlockError, type Clock } from '@blockyard/block';
import { BufferCursor, Semaphore } from '@blockyard/block/async';
import type { Backlog, NewChange } from './changes/backlog.js';
import type { Drainer, Phases } from './drain/drainer.js';
import type { Committer } from './log/committer.js';

/** Where little is to be left to be logged: changes that may wait for it in the end. */
const OPEN_CHANGES_MAX = 64;
/** For each that is logged while there are more, so many may come. */
const THROTTLED_SHARE = 0.5;

/** What waited to be logged, and the last change that did not, when writers began to be throttled. */
interface Throttle {
  readonly open: number;
  readonly logged: number;
}

export interface AdmissionParts {
  readonly base: BlockDevice;
  readonly backlog: Backlog;
  readonly committer: Committer;
  readonly drainer: Drainer;
  readonly phases: Pick<Phases, 'phase'>;
}

export interface AdmissionOptions {
  readonly clock: Clock;
  /** Data of one change. A longer write becomes several. */
  readonly maxChangeBytes: number;
  /** A change was accepted where everything was drained. */
  readonly onFirst: () => void;
}

/** Makes changes of what is written, once memory has room for them. Until then writers wait, first come, first served. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #options: AdmissionOptions;
  readonly #writers = new Semaphore(1);
  #acceptedBytes = 0;
  #throttle: Throttle | undefined;
  #hasEnded = false;

  constructor(parts: AdmissionParts, options: AdmissionOptions) {
    this.#parts = parts;
    this.#options = options;
    parts.base.lost?.addEventListener('abort', () => parts.backlog.freed.notify());
  }

  /** Data of writes that were accepted. */
  get acceptedBytes(): number {
    return this.#acceptedBytes;
  }

  /** Accepts data at once where there is room. */
  write(start: number, buffers: readonly Uint8Array[], lengthBytes: number): Promise<void> | undefined {
    if (lengthBytes <= this.#options.maxChangeBytes && this.#isOpen(lengthBytes)) {
      this.#accept(start, new BufferCursor(buffers), lengthBytes);
      return undefined;
    }
    return this.#writers.run(() => this.#writeInPieces(start, new BufferCursor(buffers)));
  }

  zero(kind: 'discard' | 'zeroes', start: number, count: number): Promise<void> | undefined {
    if (this.#isOpen(0)) {
      this.#add({ kind, start, count, bytes: undefined });
      return undefined;
    }
    return this.#writers.run(async () => {
      await this.#room(0);
      this.#add({ kind, start, count, bytes: undefined });
    });
  }

  /** From now on writers wait so that ever less waits to be logged, down to a little; or they do no longer. */
  throttle(isThrottled: boolean): void {
    const { open } = this.#parts.backlog;
    if (!isThrottled) this.#throttle = undefined;
    else this.#throttle ??= { open: open.length, logged: this.#logged };
    this.#parts.backlog.freed.notify();
  }

  /** Writers that wait fail. */
  end(): void {
    this.#hasEnded = true;
    this.#parts.backlog.freed.notify();
  }

  throwIfEnded(): void {
    if (this.#hasEnded) throw new BlockError('DISCONNECTED', 'the device was disconnected');
  }

  async #writeInPieces(start: number, cursor: BufferCursor): Promise<void> {
    const { sectorSize } = this.#parts.base.info;
    while (cursor.leftBytes > 0) {
      const lengthBytes = Math.min(cursor.leftBytes, this.#options.maxChangeBytes);
      await this.#room(lengthBytes);
      this.#accept(start + cursor.doneBytes / sectorSize, cursor, lengthBytes);
    }
  }

  /** Whether no writer waits, and there is room. */
  #isOpen(lengthBytes: number): boolean {
    if (!this.#writers.tryAcquire()) return false;
    const hasRoom = this.#hasRoom(lengthBytes);
    this.#writers.release();
    return hasRoom;
  }

  #hasRoom(lengthBytes: number): boolean {
    const { backlog, phases } = this.#parts;
    const isLogging = phases.phase === 'logging';
    if (isLogging && backlog.open.length >= this.#openMax) return false;
    return backlog.hasRoom(lengthBytes, isLogging);
  }

  get #logged(): number {
    const { accepted, open } = this.#parts.backlog;
    return accepted - open.length;
  }

  get #openMax(): number {
    if (this.#throttle === undefined) return Number.POSITIVE_INFINITY;
    const { open, logged } = this.#throttle;
    return Math.max(OPEN_CHANGES_MAX, open - THROTTLED_SHARE * (this.#logged - logged));
  }

  async #room(lengthBytes: number): Promise<void> {
    const { base, backlog } = this.#parts;
    for (;;) {
      this.throwIfEnded();
      if (base.lost?.aborted === true) throw base.lost.reason;
      if (this.#hasRoom(lengthBytes)) return;
      const freed = backlog.freed.wait();
      this.#makeRoom();
      await freed;
    }
  }

  /** What is durable on the medium can leave memory; else it has to be drained. */
  #makeRoom(): void {
    const { backlog, committer, drainer, phases } = this.#parts;
    const { accepted, durable } = backlog;
    if (phases.phase === 'logging' && durable.value < accepted) {
      committer.durable(accepted).then(
        () => backlog.freed.notify(),
        () => backlog.freed.notify(),
      );
    } else {
      drainer.makeRoom();
    }
  }

  #accept(start: number, cursor: BufferCursor, lengthBytes: number): void {
    const bytes = new Uint8Array(lengthBytes);
    let done = 0;
    for (const view of cursor.peek(lengthBytes)) {
      bytes.set(view, done);
      done += view.byteLength;
    }
    cursor.advance(lengthBytes);
    this.#acceptedBytes += lengthBytes;
    this.#add({ kind: 'data', start, count: lengthBytes / this.#parts.base.info.sectorSize, bytes });
  }

  #add(change: NewChange): void {
    const { backlog, committer, drainer, phases } = this.#parts;
    const isFirst = backlog.isEmpty;
    backlog.accept(change, this.#options.clock.now());
    if (phases.phase === 'logging') committer.wake();
    drainer.wake();
    if (isFirst) this.#options.onFirst();
  }
}
