import type { Clock } from '@blockyard/block';

interface Client {
  stalledSince(sinceMs: number): boolean;
  terminate(reason: string): void;
}

/**
 * Cuts off clients that neither take their replies nor send the rest of what they began, but only while others are short of the memory
 * or the place that these keep: a virtual machine that was paused for an hour harms no one on an idle server.
 */
export class StallWatch {
  readonly #clients: Iterable<Client>;
  readonly #stallTimeoutMs: number;
  readonly #clock: Clock;
  readonly #onTerminated: () => void;
  #timer: unknown;
  /** Whether a client has been short since the last look. */
  #short = false;

  constructor(clients: Iterable<Client>, stallTimeoutMs: number, clock: Clock, onTerminated: () => void) {
    this.#clients = clients;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#clock = clock;
    this.#onTerminated = onTerminated;
  }

  /** A client is short: looks now, and again for as long as that goes on. */
  watch(): void {
    this.#short = true;
    if (this.#timer === undefined) this.#look();
  }

  stop(): void {
    this.#clock.clear(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#short = false;
    this.#timer = this.#clock.set(() => {
      this.#timer = undefined;
      if (this.#short) this.#look();
    }, this.#stallTimeoutMs / 2);
    const sinceMs = this.#clock.now() - this.#stallTimeoutMs;
    for (const client of [...this.#clients]) {
      if (!client.stalledSince(sinceMs)) continue;
      this.#onTerminated();
      client.terminate('it stood still while others were short of what it held');
    }
  }
}
