import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectStore } from '@blockyard/object-store';

/** A store, a round trip away: every request but a listing begins so much later. */
export class DelayedStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #roundTripMs: number;

  constructor(store: ObjectStore, roundTripMs: number) {
    this.#store = store;
    this.#roundTripMs = roundTripMs;
  }

  get dates() {
    return this.#store.dates;
  }

  get traffic() {
    return this.#store.traffic;
  }

  urlOf(key: string): string {
    return this.#store.urlOf(key);
  }

  async get(...parameters: Parameters<ObjectStore['get']>) {
    await delay(this.#roundTripMs);
    return this.#store.get(...parameters);
  }

  async head(...parameters: Parameters<ObjectStore['head']>) {
    await delay(this.#roundTripMs);
    return this.#store.head(...parameters);
  }

  async put(...parameters: Parameters<ObjectStore['put']>) {
    await delay(this.#roundTripMs);
    return this.#store.put(...parameters);
  }

  async delete(...parameters: Parameters<ObjectStore['delete']>) {
    await delay(this.#roundTripMs);
    return this.#store.delete(...parameters);
  }

  list(...parameters: Parameters<ObjectStore['list']>) {
    return this.#store.list(...parameters);
  }

  probe(...parameters: Parameters<ObjectStore['probe']>) {
    return this.#store.probe(...parameters);
  }

  close(): void {
    this.#store.close();
  }
}
