import type { Action } from './script.js';

/** The actions of a simulation: those of now, and those that wait for the next resize of the medium to end. */
export class Actions {
  readonly #perform: (action: Action) => Promise<void>;
  readonly #inFlight = new Set<Promise<void>>();
  #waiting: Action[] = [];

  /** @param perform never rejects */
  constructor(perform: (action: Action) => Promise<void>) {
    this.#perform = perform;
  }

  /** Carries the action out, or remembers it. Resolves when it has settled, or is remembered. */
  async begin(action: Action): Promise<void> {
    if (action.microtasksAfterResize === undefined) await this.#start(action);
    else this.#waiting.push(action);
  }

  /** A resize of the medium ends in this moment. */
  resized(): void {
    for (const action of this.#waiting.splice(0)) void this.#startSoon(action);
  }

  /** Resolves when all that have begun have settled. */
  async settled(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  async #startSoon(action: Action): Promise<void> {
    for (let i = 0; i < (action.microtasksAfterResize ?? 0); i++) await undefined;
    await this.#start(action);
  }

  async #start(action: Action): Promise<void> {
    const performed = this.#perform(action);
    this.#inFlight.add(performed);
    await performed;
    this.#inFlight.delete(performed);
  }
}
