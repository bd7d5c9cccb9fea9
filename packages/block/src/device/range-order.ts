import { invariant } from '../invariant.js';
import { isPromise, type MaybePromise } from '../maybe-promise.js';

/** It is told whether it had to wait for others. */
type Task<T> = (hasWaited: boolean) => MaybePromise<T>;

/** One task that holds its range, or waits for it. */
interface Ticket {
  readonly start: number;
  readonly end: number;
  readonly exclusive: boolean;
  /** Earlier conflicting tickets that are still held. */
  blockers: number;
  /** Later conflicting tickets, to be told when this one is released. */
  readonly blocked: Ticket[];
  admit: (() => void) | undefined;
}

/**
 * Runs tasks whose ranges overlap one after the other, in the order of arrival; readers share. Each task waits only for earlier
 * ones, so there is no deadlock, and small ranges do not starve a large one.
 *
 * Costs a comparison per task in flight.
 */
export class RangeOrder {
  readonly #held = new Set<Ticket>();
  readonly #throwIfStopped: () => void;
  #open = false;

  /** `throwIfStopped` is called before each task that had to wait, and throws if it must no longer run. */
  constructor(throwIfStopped: () => void) {
    this.#throwIfStopped = throwIfStopped;
  }

  /**
   * Runs `task` after every earlier one that it conflicts with: at once if there is none. A task that finishes at once, and so
   * returns no promise, is in no one's way and costs no ticket.
   */
  run<T>(start: number, count: number, exclusive: boolean, task: Task<T>): MaybePromise<T> {
    if (this.#conflicts(start, start + count, exclusive)) return this.#runLater(start, count, exclusive, task);
    const outcome = task(false);
    return isPromise(outcome) ? this.#hold(this.#enter(start, count, exclusive), outcome) : outcome;
  }

  /** From now on no task waits, and those that do now run: nothing is left to protect. */
  open(): void {
    this.#open = true;
    for (const ticket of this.#held) ticket.admit?.();
  }

  async #runLater<T>(start: number, count: number, exclusive: boolean, task: Task<T>): Promise<T> {
    const ticket = this.#enter(start, count, exclusive);
    await new Promise<void>((resolve) => {
      ticket.admit = resolve;
    });
    try {
      this.#throwIfStopped();
      return await task(true);
    } finally {
      this.#leave(ticket);
    }
  }

  async #hold<T>(ticket: Ticket, outcome: Promise<T>): Promise<T> {
    try {
      return await outcome;
    } finally {
      this.#leave(ticket);
    }
  }

  #conflicts(start: number, end: number, exclusive: boolean): boolean {
    if (this.#open) return false;
    for (const held of this.#held) if (conflict(held, start, end, exclusive)) return true;
    return false;
  }

  #enter(start: number, count: number, exclusive: boolean): Ticket {
    const ticket: Ticket = { start, end: start + count, exclusive, blockers: 0, blocked: [], admit: undefined };
    for (const earlier of this.#held) {
      if (!conflict(earlier, ticket.start, ticket.end, exclusive)) continue;
      ticket.blockers++;
      earlier.blocked.push(ticket);
    }
    this.#held.add(ticket);
    return ticket;
  }

  #leave(ticket: Ticket): void {
    invariant(this.#held.delete(ticket), 'a range is left by its holder, once');
    for (const later of ticket.blocked) {
      invariant(later.blockers > 0, 'a range is released by every one that it waits for, once');
      later.blockers--;
      if (later.blockers === 0) later.admit?.();
    }
  }
}

/** Whether an earlier ticket is in the way of a task on [start, end). */
function conflict(earlier: Ticket, start: number, end: number, exclusive: boolean): boolean {
  return earlier.start < end && start < earlier.end && (earlier.exclusive || exclusive);
}
