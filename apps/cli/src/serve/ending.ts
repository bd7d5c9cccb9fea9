/** Why a server ends. */
export type End =
  | { readonly why: 'interrupted' }
  /** Other processes have all that was served. */
  | { readonly why: 'lost'; readonly reason: unknown }
  /** Another process serves. */
  | { readonly why: 'upgraded'; readonly pid: number }
  /** What was served was let go of for an upgrade that failed, and cannot be opened again. */
  | { readonly why: 'stranded'; readonly error: unknown };

/** What a server waits for. */
export class Ending {
  readonly over: Promise<End>;
  #end: (end: End) => void = () => {};

  constructor(interruption: AbortSignal) {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    const onInterruption = () => this.end({ why: 'interrupted' });
    interruption.addEventListener('abort', onInterruption, { once: true });
    if (interruption.aborted) onInterruption();
  }

  /** The first word counts. */
  end(end: End): void {
    this.#end(end);
  }
}
