/** Sequential readers that are remembered at once. */
const STREAMS = 32;
/** Lines that a newly found stream is read ahead of. */
const WINDOW_MIN_LINES = 4;
/** How far a read may begin from where the stream was expected to go on, in lines: readers with many requests in flight. */
const SLACK_LINES = 1;

/**
 * Finds sequential readers, many at once, and says what to read ahead of each. A read that begins where an earlier one ended is
 * a stream's next; its window doubles each time the reader has used up half of it, up to a limit that falls while lines that
 * were read ahead leave unused, and rises as they are used.
 *
 * Pure arithmetic: no I/O, no clock, no allocation.
 */
export class ReadAhead {
  readonly #sectorsPerLine: number;
  /** Where each stream is expected to go on, in sectors; -1 for none. */
  readonly #next = new Float64Array(STREAMS).fill(-1);
  /** The line up to which each stream was read ahead. */
  readonly #aheadTo = new Float64Array(STREAMS);
  readonly #window = new Int32Array(STREAMS);
  readonly #usedAt = new Float64Array(STREAMS);
  #tick = 0;
  /** The stream that was found last, most likely the next one too. */
  #last = 0;
  #windowMax: number;
  #limit: number;

  /** First line to read, valid after `observe` returned more than 0. */
  first = 0;

  /** `windowMaxLines`: lines that one stream may be ahead at most. */
  constructor(sectorsPerLine: number, windowMaxLines: number) {
    this.#sectorsPerLine = sectorsPerLine;
    this.#windowMax = windowMaxLines;
    this.#limit = windowMaxLines;
  }

  get byteLength(): number {
    return this.#next.byteLength + this.#aheadTo.byteLength + this.#window.byteLength + this.#usedAt.byteLength;
  }

  /** Lines that one stream may be ahead now. */
  get windowLines(): number {
    return this.#limit;
  }

  setWindowMax(windowMaxLines: number): void {
    this.#windowMax = windowMaxLines;
    this.#limit = Math.min(this.#limit, windowMaxLines);
  }

  /** A read of sectors was seen. Returns how many lines to read ahead, from `first` on; mostly 0. */
  observe(start: number, count: number): number {
    const end = start + count;
    const stream = this.#find(start);
    this.#usedAt[stream] = ++this.#tick;
    const isNext = this.#next[stream] >= 0 && this.#continues(stream, start);
    if (!isNext) {
      this.#next[stream] = end;
      this.#window[stream] = 0;
      this.#aheadTo[stream] = 0;
      return 0;
    }
    this.#next[stream] = Math.max(this.#next[stream], end);
    return this.#advance(stream, Math.ceil(this.#next[stream] / this.#sectorsPerLine));
  }

  /** A line that was read ahead was asked for. */
  used(): void {
    if (this.#limit < this.#windowMax) this.#limit++;
  }

  /** A line that was read ahead left without having been asked for. */
  unused(): void {
    this.#limit = Math.max(Math.min(WINDOW_MIN_LINES, this.#windowMax), Math.floor(this.#limit * 0.75));
  }

  /** How much further to read ahead of a stream that has come to `line`. */
  #advance(stream: number, line: number): number {
    const aheadTo = Math.max(this.#aheadTo[stream], line);
    if ((aheadTo - line) * 2 > this.#window[stream]) return 0;
    const window = Math.min(this.#limit, Math.max(WINDOW_MIN_LINES, this.#window[stream] * 2));
    this.#window[stream] = window;
    const lines = line + window - aheadTo;
    if (lines <= 0) return 0;
    this.#aheadTo[stream] = line + window;
    this.first = aheadTo;
    return lines;
  }

  #continues(stream: number, start: number): boolean {
    return Math.abs(start - this.#next[stream]) <= SLACK_LINES * this.#sectorsPerLine;
  }

  /** The stream that a read at `start` continues, or the one that was not seen for longest. */
  #find(start: number): number {
    if (this.#next[this.#last] >= 0 && this.#continues(this.#last, start)) return this.#last;
    let oldest = 0;
    for (let stream = 0; stream < STREAMS; stream++) {
      if (this.#next[stream] >= 0 && this.#continues(stream, start)) {
        this.#last = stream;
        return stream;
      }
      if (this.#usedAt[stream] < this.#usedAt[oldest]) oldest = stream;
    }
    return oldest;
  }
}
