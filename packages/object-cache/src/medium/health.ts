import type { BlockError, Clock } from '@blockyard/block';

const MIN_PROBE_DELAY_MS = 1000;
const MAX_PROBE_DELAY_MS = 600_000;

/** Whether calls of one kind go to the medium: not for a while after one has failed, and longer the more often they do. */
export class Health {
  readonly #clock: Clock;
  readonly #onFailure: (error: BlockError) => void;
  #failure: { readonly error: BlockError; readonly sinceMs: number } | undefined;
  #probeAtMs = 0;
  #delayMs = MIN_PROBE_DELAY_MS;
  #failures = 0;

  constructor(clock: Clock, onFailure: (error: BlockError) => void) {
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  get isGood(): boolean {
    return this.#failure === undefined;
  }

  /** It failed, and it is time to try again. */
  get isDue(): boolean {
    return this.#failure !== undefined && this.#clock.now() >= this.#probeAtMs;
  }

  /** Calls that failed, ever. */
  get failures(): number {
    return this.#failures;
  }

  get error(): BlockError | undefined {
    return this.#failure?.error;
  }

  /** For how long it has been failing, and when it is tried again, in milliseconds from now. */
  get times(): { readonly failingMs: number; readonly nextProbeMs: number } | undefined {
    if (this.#failure === undefined) return undefined;
    const now = this.#clock.now();
    return { failingMs: now - this.#failure.sinceMs, nextProbeMs: Math.max(0, this.#probeAtMs - now) };
  }

  /** A call failed. Those that were under way with it count as one. */
  fail(error: BlockError): void {
    this.#failures++;
    const now = this.#clock.now();
    if (this.#failure !== undefined && now < this.#probeAtMs) return;
    if (this.#failure === undefined) this.#onFailure(error);
    this.#failure = { error, sinceMs: this.#failure?.sinceMs ?? now };
    this.#probeAtMs = now + this.#delayMs;
    this.#delayMs = Math.min(MAX_PROBE_DELAY_MS, 2 * this.#delayMs);
  }

  /** A probe succeeded. The next failure waits as long as if it had not: only {@link prove} begins anew. */
  recover(): void {
    this.#failure = undefined;
  }

  /** A call for data succeeded. */
  prove(): void {
    if (this.#failure === undefined) this.#delayMs = MIN_PROBE_DELAY_MS;
  }
}
