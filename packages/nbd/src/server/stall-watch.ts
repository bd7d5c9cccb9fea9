import type { Clock } from '@blockyard/block';
import type { Budget } from './budget.js';

interface Client {
  stalledSince(sinceMs: number): boolean;
  cut(reason: string): void;
}

/**
 * Cuts off clients that hold memory and neither take their replies nor send their payload, but only while others wait for that
 * memory: a virtual machine that was paused for an hour harms nobody on an idle server.
 */
export class StallWatch {
  readonly #clients: Iterable<Client>;
  readonly #stalledMs: number;
  readonly #clock: Clock;
  readonly #onCut: () => void;
  #timer: unknown;

  constructor(clients: Iterable<Client>, stalledMs: number, clock: Clock, onCut: () => void) {
    this.#clients = clients;
    this.#stalledMs = stalledMs;
    this.#clock = clock;
    this.#onCut = onCut;
  }

  /** Somebody waits: looks now, and again until nobody waits any more. */
  watch(budget: Budget): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.set(() => {
      this.#timer = undefined;
      if (!budget.starving) return;
      this.#cutStalled();
      this.watch(budget);
    }, this.#stalledMs / 2);
    this.#cutStalled();
  }

  stop(): void {
    this.#clock.clear(this.#timer);
    this.#timer = undefined;
  }

  #cutStalled(): void {
    const sinceMs = this.#clock.now() - this.#stalledMs;
    for (const client of [...this.#clients]) {
      if (!client.stalledSince(sinceMs)) continue;
      this.#onCut();
      client.cut('it held memory that others waited for');
    }
  }
}
