import type { Clock } from '@blockyard/block';
import type { Connection } from './connection.js';

/** The connections of a server that are open. */
export class Connections {
  readonly #open = new Set<Connection>();
  /** Called each time that one is over. */
  readonly #onGone = new Set<() => void>();

  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#open[Symbol.iterator]();
  }

  add(connection: Connection): void {
    this.#open.add(connection);
  }

  delete(connection: Connection): void {
    this.#open.delete(connection);
    for (const tell of [...this.#onGone]) tell();
  }

  /** Those that have chosen an export of that name. */
  of(exportName: string): Connection[] {
    return [...this.#open].filter((connection) => connection.exportName === exportName);
  }

  /** Lets clients have their replies, and cuts off those that have not taken them in time. */
  async finish(clients: readonly Connection[], reason: string, clock: Clock, timeoutMs: number): Promise<void> {
    for (const client of clients) client.leave(reason);
    const left = () => clients.filter((client) => this.#open.has(client));
    if (left().length === 0) return;
    await new Promise<void>((resolve) => {
      const over = () => {
        this.#onGone.delete(onGone);
        clock.clear(timer);
        resolve();
      };
      const onGone = () => {
        if (left().length === 0) over();
      };
      const timer = clock.set(() => {
        // What the devices still do for them is waited for where the devices are flushed or disconnected.
        for (const client of left()) client.terminate('the server could not wait any longer');
        over();
      }, timeoutMs);
      this.#onGone.add(onGone);
    });
  }
}
