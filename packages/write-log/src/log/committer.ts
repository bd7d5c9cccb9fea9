import type { Clock } from '@blockyard/block';
import type { Backlog } from '../changes/backlog.js';
import { lastNumberOf } from '../changes/change.js';
import { Signal } from '../changes/signal.js';
import { type Group, takeGroup } from './build-record.js';
import type { Log } from './log.js';

export interface CommitterOptions {
  readonly clock: Clock;
  /** The ring has no room: something has to be drained. */
  readonly onFull: () => void;
  /** What was written is durable. */
  readonly onFlushed: () => void;
  /** The medium has failed. It is told nothing more until {@link Committer.begin}. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Brings what was accepted to the log: one group at a time is on its way to the medium, and the next one gathers meanwhile. One
 * flush of the medium serves all who wait for what was written before it.
 */
export class Committer {
  readonly #log: Log;
  readonly #backlog: Backlog;
  readonly #options: CommitterOptions;
  readonly #roomMade = new Signal();
  #isOn = false;
  #isRunning = false;
  /** Whether more than one waited for what was made durable last. */
  #isShared = false;
  /** Ends the gathering. */
  #gathered = () => {};

  constructor(log: Log, backlog: Backlog, options: CommitterOptions) {
    this.#log = log;
    this.#backlog = backlog;
    this.#options = options;
  }

  /** From now on what is accepted goes to the log. */
  begin(): void {
    this.#isOn = true;
    this.wake();
  }

  /** From now on it does not. What is on its way may still arrive. */
  stop(): void {
    this.#isOn = false;
    this.#roomMade.notify();
  }

  /** There is something to write or to flush, or there is room again. */
  wake(): void {
    this.#roomMade.notify();
    if (this.#isOn && !this.#isRunning) void this.#run();
  }

  /** Resolves when all changes up to this one are durable on the medium. Rejects if the medium fails before. */
  durable(target: number): Promise<void> {
    const reached = this.#backlog.durable.wait(target);
    this.wake();
    if (!this.#isShared) this.#gathered();
    return reached;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#isOn && this.#hasWork) {
        await this.#gather();
        const target = this.#backlog.accepted;
        if (this.#isOn) await this.#write(target);
        if (this.#isOn && this.#isFlushDue) await this.#flush();
      }
    } catch (error) {
      if (this.#isOn) this.#options.onFailure(error);
    } finally {
      this.#isRunning = false;
    }
    // It may have begun again meanwhile.
    if (this.#isOn && this.#hasWork) this.wake();
  }

  get #hasWork(): boolean {
    return this.#backlog.open.length > 0 || this.#isFlushDue;
  }

  /** Whether someone waits for what is written and not durable. */
  get #isFlushDue(): boolean {
    const { durable, records } = this.#backlog;
    const last = records.at(-1);
    return last !== undefined && lastNumberOf(last) > durable.value && durable.wanted > durable.value;
  }

  /** Writes what was accepted up to this change, as records, one after the other. */
  async #write(target: number): Promise<void> {
    for (;;) {
      const first = this.#backlog.open[0];
      if (!this.#isOn || first === undefined || first.number > target) return;
      const group = takeGroup(this.#backlog.open, this.#log.shape);
      if (!this.#log.hasRoom(group)) await this.#waitForRoom();
      else if (this.#log.needsWrap(group)) await this.#log.wrap();
      else await this.#append(group);
    }
  }

  /** The last record that someone waits for is written and made durable in one, where the medium can do that. */
  async #append(group: Group): Promise<void> {
    const { durable, open } = this.#backlog;
    const last = group.changes.at(-1)?.number ?? 0;
    const isLast = durable.wanted > durable.value && (last >= durable.wanted || group.changes.length === open.length);
    if (isLast) this.#isShared = durable.waiting > 1;
    await this.#log.append(group, { durably: isLast });
    if (isLast && this.#isOn && durable.value >= last) this.#options.onFlushed();
  }

  async #waitForRoom(): Promise<void> {
    const { durable, records } = this.#backlog;
    const last = records.at(-1);
    // Only what is durable can be drained.
    if (last !== undefined && lastNumberOf(last) > durable.value) {
      await this.#flush();
      return;
    }
    const room = this.#roomMade.wait();
    this.#options.onFull();
    await room;
  }

  async #flush(): Promise<void> {
    await this.#log.flush();
    if (this.#isOn) this.#options.onFlushed();
  }

  /**
   * What comes within this turn of the event loop shares a record, and a flush. A flush that is likely to be the only one does not
   * wait for others.
   */
  #gather(): Promise<void> {
    const { clock } = this.#options;
    const isAlone = !this.#isShared && this.#backlog.durable.waiting === 1;
    if (isAlone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#gathered = resolve;
      if (clock.macrotask === undefined) resolve();
      else clock.macrotask(resolve);
    });
  }
}
