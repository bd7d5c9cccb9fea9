import type { Abort } from './abort.js';
import type { SendOptions } from './transport.js';
import type { Watch } from './watch.js';

/** One attempt at a request, from when it is sent until it is over. */
export class Sending implements SendOptions {
  readonly abort: Abort;
  readonly watch: Watch;
  readonly giveUp: (error: unknown) => void;
  /** Its place among those {@link UnderWay}. */
  place = 0;

  constructor(abort: Abort, watch: Watch, giveUp: (error: unknown) => void) {
    this.abort = abort;
    this.watch = watch;
    this.giveUp = giveUp;
  }

  /** A getter of the class: an object literal with one makes a shape for itself alone, which outlives the object as below. */
  get abortSignal(): AbortSignal {
    return this.abort.signal;
  }
}

/**
 * The attempts that are under way, in no order.
 *
 * They are not in a Set: as members come and go it moves to a new table, to which the one that it leaves still refers. Once one
 * such table has become old, it keeps all that follow, and all that each of them held, until all of memory is collected.
 */
export class UnderWay {
  readonly #sendings: Sending[] = [];

  get size(): number {
    return this.#sendings.length;
  }

  add(sending: Sending): void {
    sending.place = this.#sendings.push(sending) - 1;
  }

  /** Once for each that was added. */
  remove(sending: Sending): void {
    const last = this.#sendings.pop();
    if (last === undefined || last === sending) return;
    last.place = sending.place;
    this.#sendings[last.place] = last;
  }

  giveUpAll(error: unknown): void {
    for (const { giveUp } of [...this.#sendings]) giveUp(error);
  }
}
