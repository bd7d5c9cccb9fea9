import type { Writable } from 'node:stream';
import { formatSize } from '@blockyard/uri';
import { SingleBar } from 'cli-progress';
import type { Context } from './context.js';

const FORMAT = '{title} [{bar}] {percentage}% | {done} of {all} | {rate}/s | {left} left';
/** Where the bar is no terminal's it becomes a line now and then. */
const LINE_EVERY_MS = 5000;

/** How far a long work is: a bar on a terminal, a line now and then elsewhere. */
export class Progress {
  readonly #bar: SingleBar;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  #lastMs = 0;
  #doneBytes = 0;
  #totalBytes = 0;

  constructor(stream: Writable, title: string, totalBytes: number, nowMs = () => performance.now()) {
    this.#totalBytes = totalBytes;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
    this.#bar = new SingleBar({
      format: FORMAT,
      stream: stream as NodeJS.WritableStream,
      clearOnComplete: true,
      gracefulExit: false,
      noTTYOutput: true,
      notTTYSchedule: LINE_EVERY_MS,
    });
    this.#bar.start(totalBytes, 0, { title, ...this.#payload() });
  }

  update(doneBytes: number): void {
    this.#doneBytes = doneBytes;
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastMs < 100) return;
    this.#lastMs = nowMs;
    this.#bar.update(doneBytes, this.#payload());
  }

  /** Takes the bar away. Gives the seconds since the start. */
  stop(): number {
    this.#bar.update(this.#doneBytes, this.#payload());
    this.#bar.stop();
    return this.#seconds();
  }

  #seconds(): number {
    return (this.#nowMs() - this.#startMs) / 1000;
  }

  #payload() {
    const seconds = this.#seconds();
    const rate = seconds > 0 ? this.#doneBytes / seconds : 0;
    const leftBytes = this.#totalBytes - this.#doneBytes;
    return {
      done: formatSize(this.#doneBytes),
      all: formatSize(this.#totalBytes),
      rate: formatSize(Math.round(rate)),
      left: leftBytes <= 0 ? '0s' : rate === 0 ? '?' : formatSeconds(leftBytes / rate),
    };
  }
}

/** `42s`, `1m30s`, `27h47m`: no more than two units. */
function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${whole % 60}s`;
  const minutes = Math.ceil(whole / 60);
  return `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** Shows progress while `work` is under way. Gives its result and the seconds it took. */
export async function withProgress<T>(
  context: Context,
  title: string,
  totalBytes: number,
  work: (progress: Progress) => Promise<T>,
): Promise<{ result: T; seconds: number }> {
  const progress = new Progress(context.stderr, title, totalBytes);
  let seconds = 0;
  try {
    const result = await work(progress);
    seconds = progress.stop();
    return { result, seconds };
  } finally {
    if (seconds === 0) progress.stop();
  }
}
