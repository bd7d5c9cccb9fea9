import type { UriDevice } from '@blockyard/uri';

/** Why a server ends. */
export type End =
  | { readonly why: 'interrupted' }
  /** Another process has the device. */
  | { readonly why: 'lost'; readonly reason: unknown }
  /** Another process serves. */
  | { readonly why: 'upgraded'; readonly pid: number }
  /** The device was let go of for an upgrade that failed, and cannot be opened again. */
  | { readonly why: 'stranded'; readonly error: unknown };

/** What a server waits for. */
export class Ending {
  readonly over: Promise<End>;
  #end: (end: End) => void = () => {};
  #device: UriDevice | undefined;

  constructor(interruption: AbortSignal) {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    const onInterruption = () => this.end({ why: 'interrupted' });
    interruption.addEventListener('abort', onInterruption, { once: true });
    if (interruption.aborted) onInterruption();
  }

  get device(): UriDevice {
    if (this.#device === undefined) throw new Error('there is no device yet');
    return this.#device;
  }

  /** The first word counts. */
  end(end: End): void {
    this.#end(end);
  }

  /** This is the device now. What becomes known of an earlier one is of no interest. */
  follow(device: UriDevice): UriDevice {
    const { lost } = device;
    this.#device = device;
    const onLost = () => {
      if (this.#device === device) this.end({ why: 'lost', reason: lost?.reason });
    };
    lost?.addEventListener('abort', onLost);
    if (lost?.aborted === true) onLost();
    return device;
  }
}
