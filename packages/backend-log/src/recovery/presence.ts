import { isBlockError } from '@blockyard/block';
import { RENEW_MS, RENEW_MS_MAX, type RootObject, type VolumeClock } from '@blockyard/volume-root';
import type { LogRoot } from '../format/root.js';

export interface PresenceParts {
  readonly root: Pick<RootObject<LogRoot>, 'verify' | 'change' | 'setRenewMs'>;
  readonly clock: VolumeClock;
  /** The volume was deleted. */
  readonly onGone: () => void;
}

/**
 * Looks at the root while the volume is changed, so that a writer that was replaced finds out within half a minute even if it
 * stores nothing, and says in it that the volume is open.
 *
 * A volume that is not changed sends nothing: before it falls silent it says that it will be heard of once an hour.
 */
export class Presence {
  readonly #parts: PresenceParts;
  #timer: unknown;
  #isActive = false;
  #isSilent = false;
  #isStopped = false;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#set(RENEW_MS);
  }

  /** The volume is being changed. */
  changed(): void {
    this.#isActive = true;
    if (!this.#isSilent || this.#isStopped) return;
    this.#isSilent = false;
    this.#parts.root.setRenewMs(RENEW_MS);
    // Someone else may have come meanwhile.
    this.#look();
    this.#set(RENEW_MS);
  }

  stop(): void {
    this.#isStopped = true;
    this.#clear();
  }

  #tick(): void {
    const { root } = this.#parts;
    if (this.#isActive) {
      this.#isActive = false;
      this.#look();
      this.#set(RENEW_MS);
      return;
    }
    this.#isSilent = true;
    root.setRenewMs(RENEW_MS_MAX);
    root.change((found) => found).catch(() => {});
    this.#set(RENEW_MS_MAX);
  }

  /** A replaced writer raises its fence by this. Every other failure comes again with what the volume needs of the store. */
  #look(): void {
    const { root, onGone } = this.#parts;
    root.verify().catch((error: unknown) => {
      if (isBlockError(error, 'NOT_FOUND')) onGone();
    });
  }

  #set(delayMs: number): void {
    const { clock } = this.#parts;
    this.#clear();
    if (this.#isStopped) return;
    this.#timer = clock.set(() => this.#tick(), delayMs);
    clock.unref?.(this.#timer);
  }

  #clear(): void {
    if (this.#timer !== undefined) this.#parts.clock.clear(this.#timer);
    this.#timer = undefined;
  }
}
