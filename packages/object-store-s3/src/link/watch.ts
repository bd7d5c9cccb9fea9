import type { Clock } from '@blockyard/block';

/** The thinnest line that counts as one, in bytes per second and request: 1 MiB passes it in 64 s. */
export const BYTES_PER_SECOND_MIN = 16_384;

/** How long the thinnest line takes for so much. */
export function thinLineMs(bytes: number): number {
  return (bytes / BYTES_PER_SECOND_MIN) * 1000;
}

/** An attempt took too long. */
export class TimedOut extends Error {
  override readonly name = 'TimeoutError';
}

export interface WatchOptions {
  readonly clock: Clock;
  /** Longest time without progress. */
  readonly silenceMs: number;
  readonly uploadBytes: number;
  /** As many as are asked for. */
  readonly downloadBytes: number;
  readonly onTimeout: (error: TimedOut) => void;
}

/**
 * Watches the progress of one attempt at a request. It ends when nothing moves for `silenceMs`, and in any case when a line of
 * {@link BYTES_PER_SECOND_MIN} would have carried all of it, with as much silence on top: an answer that drips for ever ends
 * too.
 *
 * A system takes a body long before the line does (a TCP socket may hold megabytes), and does not tell how far it is. So once
 * all of a body has been handed over, the silence may last as long as the thinnest line takes for it. While parts of it still
 * wait to be handed over that is known to be no progress.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #startMs: number;
  #lastMs: number;
  /** Bytes of the body that may be on their way with nothing to be seen of it. */
  #hiddenBytes: number;
  #timer: unknown;
  #countReceived = () => 0;
  #received = 0;
  #firstReceivedMs: number | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
    this.#lastMs = this.#startMs;
    // For a client that does not tell of its progress.
    this.#hiddenBytes = options.uploadBytes;
    this.#arm();
  }

  /** A part of the body was handed to the system; `isAll`: the last one. */
  readonly sent = (isAll: boolean): void => this.#moved(isAll ? this.#options.uploadBytes : 0);

  /** A part of the answer has come. */
  readonly received = (): void => {
    this.#moved(0);
    this.#firstReceivedMs ??= this.#lastMs;
  };

  /** When the first part of the answer was seen to have come. */
  get firstReceivedMs(): number | undefined {
    return this.#firstReceivedMs;
  }

  /** Where it can be asked how many bytes of the answer have come. */
  readonly follow = (countReceived: () => number): void => {
    this.#countReceived = countReceived;
    this.#received = countReceived();
  };

  end(): void {
    this.#options.clock.clear(this.#timer);
  }

  #moved(hiddenBytes: number): void {
    this.#lastMs = this.#options.clock.now();
    const endsSooner = hiddenBytes < this.#hiddenBytes;
    this.#hiddenBytes = hiddenBytes;
    if (!endsSooner) return;
    this.end();
    this.#arm();
  }

  #arm(): void {
    const { clock, silenceMs, uploadBytes, downloadBytes } = this.#options;
    const silenceEndMs = this.#lastMs + silenceMs + thinLineMs(this.#hiddenBytes);
    const endMs = this.#startMs + silenceMs + thinLineMs(uploadBytes + downloadBytes);
    this.#timer = clock.set(() => this.#check(), Math.max(0, Math.min(silenceEndMs, endMs) - clock.now()));
  }

  #check(): void {
    const { clock, silenceMs, uploadBytes, downloadBytes, onTimeout } = this.#options;
    const received = this.#countReceived();
    if (received !== this.#received) this.received();
    this.#received = received;
    const nowMs = clock.now();
    const silentMs = nowMs - this.#lastMs;
    if (silentMs >= silenceMs + thinLineMs(this.#hiddenBytes)) {
      onTimeout(new TimedOut(`nothing has moved for ${Math.round(silentMs)} ms`));
      return;
    }
    const allowedMs = silenceMs + thinLineMs(uploadBytes + downloadBytes);
    if (nowMs - this.#startMs >= allowedMs) {
      onTimeout(new TimedOut(`not done within ${Math.round(allowedMs)} ms`));
      return;
    }
    this.#arm();
  }
}
