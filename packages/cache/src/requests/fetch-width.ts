import type { BaseCalls } from '../base/base-calls.js';
import type { Fetcher } from '../base/fetcher.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import { setBits } from '../tables/bits.js';
import type { Entry, Line } from '../tables/numbers.js';

/** Bytes; the least that is fetched, since next to no reader uses less. */
const GRANULE_BYTES = 4096;
/**
 * One line in 16 is a probe: fetched narrowly at first, to see whether the rest of it is asked for. So many bits of the hash of its
 * number tell.
 */
const PROBE_BITS = 4;
/** And one in 64 while the share is clear, since each probe that is used costs a miss. */
const PROBE_BITS_CLEAR = 6;
const SHARE_CLEAR = 1 / 4;
/** Probes that must have been fetched before they decide anything. */
const PROBES_MIN = 16;
/** After so many, what was counted is halved: what was seen lately decides. */
const PROBES_MAX = 64;
/** Lines are fetched whole where at least this share of the probes is asked for more, give or take one probe. */
const SHARE_MIN = 1 / 12;
/**
 * While lines are fetched whole, it is seen after so many fetches whether as much as that share was served without one. If not
 * twice in a row, whole lines cannot be what pays, whatever probes have told before: each brings less than it would have to. It
 * is so many fetches or half as many as there are lines, since until then even readers of a small area have hardly met a line
 * again. Where they have come from elsewhere, what they left has to make room first: so one time tells nothing.
 */
const FETCHES_PER_LOOK_MIN = 128;
/** A line that has something is fetched in pieces of so many times as much, so that what is wasted is bounded by what is used. */
const GROWTH = 2;

/** What the choice works with. */
export interface FetchWidthContext {
  readonly base: Pick<BaseCalls, 'fragments'>;
  readonly geometry: Geometry;
  readonly lines: Pick<Lines, 'find' | 'probes' | 'slotsMax' | 'valid'>;
  readonly fetcher: Pick<Fetcher, 'countHeld'>;
  readonly counts: { readonly lookups: number };
  /** Sectors of a line that the device has. */
  lineEnd(line: Line): number;
}

/** Sectors of a line, from the first to before the second, without those of a mask. */
export type Width = readonly [from: number, to: number, left?: Uint32Array | undefined];

/**
 * How much of a line is fetched when a read misses in it: the whole line, or little more than the read asks for. Probes, a
 * sample of the lines, tell which pays. They are fetched narrowly at first. Where few of them are asked for more, all lines
 * are fetched narrowly.
 *
 * Probes are few, so they are slow to tell that readers have gone elsewhere. What is served without a fetch tells it sooner.
 *
 * Of what it chooses, it leaves out what would cost the base further requests.
 */
export class FetchWidth {
  /** Misses by what was fetched for them. */
  readonly counts = { narrow: 0, whole: 0 };
  readonly #context: FetchWidthContext;
  /** Sectors. */
  readonly #granule: number;
  /** Lately: probes fetched, and how many of them were asked for more. */
  #probes = 0;
  #usedAgain = 0;
  #isNarrow = false;
  /** Since the last look: fetches of reads that go on nowhere. */
  #scattered = 0;
  /** The lookups before the last look, and all fetches since. */
  #unserved = 0;
  /** Whether too little was served at the last look. */
  #isInDoubt = false;

  constructor(context: FetchWidthContext) {
    this.#context = context;
    this.#granule = Math.max(1, GRANULE_BYTES / context.geometry.sectorSize);
  }

  /** Of the probes fetched lately, the share that was asked for more. */
  get probeReuse(): number {
    return this.#probes === 0 ? 0 : Math.min(1, this.#usedAgain / this.#probes);
  }

  /** What to fetch of a line for a read of its sectors `from` to `to`. `isLong`: the read goes on in another line. */
  choose(entry: Entry, line: Line, from: number, to: number, isLong: boolean): Width {
    const end = this.#context.lineEnd(line);
    this.#unserved++;
    const goesOn = isLong || this.#goesOn(entry, line, from);
    const unit = this.#unitFor(entry, line, goesOn);
    const low = Math.floor(from / unit) * unit;
    const high = Math.min(end, Math.ceil(to / unit) * unit);
    // Within a line, valid sectors end where a request of the base did, too.
    const isStream = isLong || (goesOn && from === 0);
    const left = isStream ? undefined : this.#toLeave(entry, line, from, to, low, high);
    if (high - low < end || left !== undefined) this.counts.narrow++;
    else this.counts.whole++;
    return [low, high, left];
  }

  /** What is fetched is a multiple of this, in sectors. */
  #unitFor(entry: Entry, line: Line, goesOn: boolean): number {
    const { lines, geometry, fetcher } = this.#context;
    const { sectorsPerLine } = geometry;
    if (this.#granule >= sectorsPerLine) return sectorsPerLine;
    if (lines.probes.has(entry)) {
      lines.probes.remove(entry);
      this.#count(0, 1);
    }
    if (goesOn) return sectorsPerLine;
    const perLook = Math.max(FETCHES_PER_LOOK_MIN, lines.slotsMax / 2);
    if (!this.#isNarrow && ++this.#scattered >= perLook) this.#look();
    const held = fetcher.countHeld(entry, 0, sectorsPerLine);
    if (held === 0 && this.#isProbe(line)) {
      lines.probes.add(entry);
      this.#count(1, 0);
      return this.#granule;
    }
    if (!this.#isNarrow) return sectorsPerLine;
    const wanted = Math.max(this.#granule, GROWTH * held);
    return Math.min(sectorsPerLine, 2 ** Math.floor(Math.log2(wanted)));
  }

  /**
   * Sectors between `low` and `high` that are left out, where only `from` to `to` are asked for: of the requests that all of them
   * cost the base, a fetch makes those that it needs, and others until their number is that of the requests that the line has cost
   * before. So what they cost is bounded by how often the line is asked for more. Undefined if there are none.
   */
  #toLeave(entry: Entry, line: Line, from: number, to: number, low: number, high: number): Uint32Array | undefined {
    const { base, geometry, lines, fetcher } = this.#context;
    const first = geometry.sectorOf(line, 0);
    const fragments = base.fragments?.(first + low, high - low) ?? [];
    // What is at hand costs no request.
    const made = new Set([0]);
    const before = new Set<number>();
    for (const { start, count, request } of fragments) {
      const at = start - first;
      if (at < to && at + count > from) made.add(request);
      if (request > 0 && fetcher.countHeld(entry, at, at + count) > 0) before.add(request);
    }
    let left: Uint32Array | undefined;
    for (const { start, count, request } of fragments) {
      if (made.size <= before.size && !before.has(request)) made.add(request);
      if (made.has(request)) continue;
      left ??= new Uint32Array(lines.valid.wordsPerLine);
      setBits(left, 0, start - first, start - first + count);
    }
    return left;
  }

  /** Whether the sector before is there or on its way: so a sequential reader finds its next one. */
  #goesOn(entry: Entry, line: Line, from: number): boolean {
    if (from > 0) return this.#has(entry, from - 1);
    const before = line > 0 ? this.#context.lines.find((line - 1) as Line) : -1;
    return before >= 0 && this.#has(before as Entry, this.#context.geometry.sectorsPerLine - 1);
  }

  #has(entry: Entry, at: number): boolean {
    return this.#context.fetcher.countHeld(entry, at, at + 1) > 0;
  }

  #count(probes: number, usedAgain: number): void {
    this.#probes += probes;
    this.#usedAgain += usedAgain;
    if (this.#probes >= PROBES_MAX) {
      this.#probes /= 2;
      this.#usedAgain /= 2;
    }
    if (this.#probes < PROBES_MIN) return;
    // Give or take one: near the border what was chosen stays.
    const giveOrTake = this.#isNarrow ? -1 : 1;
    const isNarrow = this.#usedAgain + giveOrTake < this.#probes * SHARE_MIN;
    if (this.#isNarrow && !isNarrow) this.#restart(false);
    this.#isNarrow = isNarrow;
  }

  /** Whether so much is served without a fetch that whole lines may be what pays. If not twice in a row, probes begin anew. */
  #look(): void {
    const served = this.#context.counts.lookups - this.#unserved;
    const isInDoubt = this.#probes >= PROBES_MIN && served < this.#scattered * SHARE_MIN;
    if (isInDoubt && this.#isInDoubt) {
      this.#probes = 0;
      this.#usedAgain = 0;
      this.#isNarrow = true;
    }
    this.#restart(isInDoubt);
  }

  #restart(isInDoubt: boolean): void {
    this.#isInDoubt = isInDoubt;
    this.#scattered = 0;
    this.#unserved = this.#context.counts.lookups;
  }

  /** By a hash (Knuth's multiplicative one), so that no stride of a reader meets probes alone, or none. */
  #isProbe(line: Line): boolean {
    const isClear = this.#probes >= PROBES_MIN && this.probeReuse >= SHARE_CLEAR;
    return ~Math.imul(line, 0x9e3779b1) >>> (32 - (isClear ? PROBE_BITS_CLEAR : PROBE_BITS)) === 0;
  }
}
