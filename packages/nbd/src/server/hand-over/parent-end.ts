import type { Clock } from '@blockyard/block';
import type { OtherProcess } from './channel.js';

const LOOK_EVERY_MS = 2;
/** What has not ended by then is not waited for any longer. */
const LOOKS_MAX = 5000;

/**
 * The end of the process that has started this one. A process that was killed closes what it has one after the other: its channel may be
 * over while it still has the lock of a device. When it has closed everything, its children get another parent.
 */
export class ParentEnd {
  readonly #process: Pick<OtherProcess, 'ppid'>;
  readonly #clock: Clock;
  readonly #parent: number | undefined;

  constructor(process: Pick<OtherProcess, 'ppid'>, clock: Clock) {
    this.#process = process;
    this.#clock = clock;
    this.#parent = process.ppid;
  }

  async over(): Promise<void> {
    if (this.#parent === undefined) return;
    for (let looks = 0; this.#process.ppid === this.#parent && looks < LOOKS_MAX; looks++) {
      await new Promise<void>((resolve) => this.#clock.set(resolve, LOOK_EVERY_MS));
    }
  }
}
