import { NO_ENTRY } from '../tables/numbers.js';
import { FrequencySketch } from './frequency-sketch.js';
import { LineTable } from './line-table.js';
import { LruShadow } from './lru-shadow.js';
import { checkCapacity, type EvictionPolicy, HEAT_MAX, type PolicyOptions, randomSeed } from './policy.js';
import { STEP_MAX, WindowBorder } from './window-border.js';
import { WTinyLfuEpochs } from './wtinylfu-epochs.js';
import {
  AHEAD,
  addEntry,
  dropGhosts,
  entriesFor,
  FOLLOWED,
  lengthsOf,
  linesInMain,
  MAIN_GHOST,
  move,
  PARKED,
  PROBATION,
  PROTECTED,
  QUIET,
  REFUSED,
  REFUSED_GHOST,
  residentLines,
  retireFromWindow,
  shift,
  WINDOW,
  type WTinyLfuLists,
} from './wtinylfu-lists.js';

/** Shares of the capacity. */
const AHEAD_SHARE = 0.3;
const QUICK_REPEAT = 0.05;

const QUICK_REPEAT_MIN = 4;
/**
 * Time is counted in insertions. Hits move it on too, if slowly: what is used again and again while nothing is missed counts.
 */
const CLOCK_PER_INSERTION = 16;
const CLOCK_PER_HIT = 1;
/** A remembered line of this heat or more, used twice at least, has been in main. */
const HEAT_OF_MAIN = 2;
/** A refused candidate of this frequency enters all the same once in 128 times: no tie lasts forever. */
const JITTER_FREQUENCY = 6;
const JITTER_MASK = 127;

/**
 * W-TinyLFU (Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM TOS 2017) with a window that
 * two short lists of ghosts size.
 *
 * New lines enter an LRU window. What falls out of it is a candidate for main, a segmented LRU, and enters if a frequency
 * sketch says that it was used more often than main's next victim. Ghosts of refused candidates and of lines that main gave up
 * are remembered for a tenth of the capacity each: a hit on one shows what a little more window, or a little more main, would
 * have been worth, and moves the border towards it. ARC (Megiddo, Modha, FAST 2003) steers by ghosts too; they are short here
 * because with lists as long as the cache every loop up to twice its size speaks for recency, which is wrong.
 *
 * Ghosts this short see nothing of lines that are all used again after the same long while, of which LRU would hit each. So LRU
 * itself runs along on a sample of the keys, and when it gets ahead the window grows in strides. And when readers go elsewhere,
 * one side is hit many times as often for each of its lines as the other: then the border moves in strides too, either way.
 *
 * A line used again within a few insertions counts once: with lines larger than requests, neighbours in one line would
 * otherwise pass for popularity.
 */
export class WTinyLfuPolicy implements EvictionPolicy {
  readonly #lines: LineTable;
  readonly #sketch: FrequencySketch;
  readonly #shadow: LruShadow;
  readonly #border: WindowBorder;
  readonly #epochs = new WTinyLfuEpochs();
  #maxParked: number;
  #random: number;

  #capacity = 0;
  #aheadMax = 0;
  /** Lines that came to a full window from `AHEAD`, and in whose place there nothing has been inserted yet. */
  #overtaken = 0;
  #quickRepeat = 0;

  /** Modulo 2^32; stamps are taken from it. */
  #clock = 0;

  constructor(options: PolicyOptions) {
    checkCapacity(options.capacity);
    const seed = options.seed ?? randomSeed();
    this.#maxParked = options.maxParked ?? 0;
    this.#random = (seed ^ 0x9e3779b9) | 0 || 1;
    this.#lines = new LineTable(entriesFor(options.capacity, this.#maxParked), seed);
    this.#sketch = new FrequencySketch(options.capacity);
    this.#shadow = new LruShadow(options.capacity, seed);
    this.#border = new WindowBorder(options.capacity);
    this.#scale(options.capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  get resident(): number {
    return residentLines(this.#lines);
  }

  get parked(): number {
    return this.#lines.lengthOf(PARKED);
  }

  get entriesMax(): number {
    return this.#lines.entriesMax;
  }

  get byteLength(): number {
    return this.#lines.byteLength + this.#sketch.byteLength + this.#shadow.byteLength;
  }

  /** Lines in each list, and how many the window aims at. */
  get lists(): WTinyLfuLists {
    return lengthsOf(this.#lines, this.#border.windowMax);
  }

  find(key: number): number {
    const entry = this.#lines.find(key);
    return entry === NO_ENTRY || this.#lines.listOf(entry) >= REFUSED_GHOST ? NO_ENTRY : entry;
  }

  keyOf(entry: number): number {
    return this.#lines.keyOf(entry);
  }

  touch(entry: number): void {
    const lines = this.#lines;
    const list = lines.listOf(entry);
    this.#tick();
    if (list === PARKED) {
      this.#comeBack(entry);
      return;
    }
    this.#clock = (this.#clock + CLOCK_PER_HIT) | 0;
    if (list === AHEAD) {
      this.#useFirst(entry);
      return;
    }
    if (list !== WINDOW) this.#epochs.mainHits++;
    const first = lines.has(entry, QUIET);
    this.#compare(entry, !first);
    const isQuickRepeat = ((this.#clock - lines.stampOf(entry)) | 0) <= this.#quickRepeat;
    if (isQuickRepeat && !first) {
      if (list === WINDOW) lines.refresh(entry);
      return;
    }
    if (first) lines.clear(entry, QUIET);
    else if (list === WINDOW) this.#epochs.windowHits++;
    lines.setStamp(entry, this.#clock);
    this.#sketch.add(lines.hashOf(entry));
    if (list === PROBATION && !first) {
      move(lines, entry, PROTECTED);
      shift(lines, PROTECTED, this.#border.protectedMax, 2);
    } else {
      lines.refresh(entry);
    }
  }

  insert(key: number, quiet = false, heat = 0): number {
    const lines = this.#lines;
    let entry = lines.find(key);
    const known = entry !== NO_ENTRY;
    if (!known) entry = this.#add(key);
    if (!quiet) {
      this.#tick();
      if (this.#sketch.add(lines.hashOf(entry)) > 0) this.#epochs.knownMisses++;
      this.#compare(entry, false);
    }
    if (known) {
      const list = lines.listOf(entry);
      if (list < REFUSED_GHOST) throw new Error(`key ${key} must not be known to be inserted`);
      lines.unlink(entry);
      if (!quiet) this.#adapt(list === REFUSED_GHOST);
    }
    if (this.#overtaken > 0) this.#overtaken--;
    if (quiet) lines.set(entry, QUIET);
    if (heat > 0) this.#sketch.raise(lines.hashOf(entry), usesOf(heat));
    if (heat >= HEAT_OF_MAIN) this.#enterMain(entry);
    else if (quiet && heat === 0) lines.push(entry, AHEAD);
    else this.#enterWindow(entry);
    return entry;
  }

  heatOf(entry: number): number {
    const lines = this.#lines;
    const uses = this.#sketch.estimate(lines.hashOf(entry));
    const least = lines.listOf(entry) === PROTECTED ? HEAT_OF_MAIN : 0;
    return Math.min(HEAT_MAX, Math.max(least, 32 - Math.clz32(uses)));
  }

  pin(entry: number): void {
    this.#lines.pin(entry);
  }

  unpin(entry: number): void {
    this.#lines.unpin(entry);
  }

  victim(): number {
    const lines = this.#lines;
    const unused = this.#unusedToLeave();
    if (unused !== NO_ENTRY) {
      move(lines, unused, PARKED);
      return unused;
    }
    const candidate = this.#candidate();
    let leaving = lines.unpinnedTail(PROBATION);
    if (leaving === NO_ENTRY) leaving = lines.unpinnedTail(PROTECTED);
    if (leaving === NO_ENTRY) leaving = lines.unpinnedTail(WINDOW);
    if (leaving === NO_ENTRY) leaving = lines.unpinnedTail(AHEAD);
    if (leaving === NO_ENTRY) return NO_ENTRY;
    if (candidate !== NO_ENTRY && candidate !== leaving && !this.#admits(candidate, leaving)) {
      // The next candidate meets another line: one popular line at the tail must not speak for all of main.
      lines.refresh(leaving);
      leaving = candidate;
      lines.set(leaving, REFUSED);
    }
    move(lines, leaving, PARKED);
    return leaving;
  }

  forget(entry: number, ghost: boolean): void {
    const lines = this.#lines;
    if (lines.pinsOf(entry) > 0) throw new Error(`entry ${entry} must not be pinned to be forgotten`);
    const refused = lines.has(entry, REFUSED) || lines.listOf(entry) === WINDOW;
    // A line that was never asked for says nothing about what should have stayed.
    const unused = lines.has(entry, QUIET);
    lines.unlink(entry);
    if (!ghost || unused) {
      lines.remove(entry);
      return;
    }
    lines.clear(entry, REFUSED);
    lines.push(entry, refused ? REFUSED_GHOST : MAIN_GHOST);
    dropGhosts(lines, this.#capacity);
  }

  park(entry: number): void {
    if (!this.isParked(entry)) throw new Error(`entry ${entry} must be out of the lists to be parked`);
  }

  isParked(entry: number): boolean {
    return this.#lines.listOf(entry) === PARKED;
  }

  setCapacity(lines: number, maxParked = this.#maxParked): void {
    checkCapacity(lines);
    this.#maxParked = maxParked;
    this.#lines.grow(entriesFor(lines, maxParked));
    this.#sketch.setLines(lines);
    this.#shadow.setCapacity(lines);
    this.#border.setCapacity(lines);
    this.#scale(lines);
    dropGhosts(this.#lines, lines);
  }

  entries(visit: (entry: number, key: number) => void): void {
    const lines = this.#lines;
    lines.entries((entry, key) => {
      if (lines.listOf(entry) < REFUSED_GHOST) visit(entry, key);
    });
  }

  #scale(capacity: number): void {
    this.#capacity = capacity;
    this.#aheadMax = Math.floor(capacity * AHEAD_SHARE);
    this.#quickRepeat = Math.max(QUICK_REPEAT_MIN, Math.floor(capacity * QUICK_REPEAT)) * CLOCK_PER_INSERTION;
  }

  #add(key: number): number {
    const entry = addEntry(this.#lines, key);
    if (this.#shadow.follows(this.#lines.hashOf(entry))) this.#lines.set(entry, FOLLOWED);
    return entry;
  }

  /** A prefetched line is used: that is when it comes, for all that is counted. */
  #useFirst(entry: number): void {
    const lines = this.#lines;
    const wasFull = this.resident >= this.#capacity;
    if (wasFull) this.#overtaken++;
    lines.clear(entry, QUIET);
    lines.unlink(entry);
    this.#sketch.add(lines.hashOf(entry));
    this.#compare(entry, false);
    this.#enterWindow(entry, wasFull);
  }

  /** A line that was on its way out is used: like a miss of a ghost, but for the fetch. */
  #comeBack(entry: number): void {
    const lines = this.#lines;
    const refused = lines.has(entry, REFUSED);
    const unused = lines.has(entry, QUIET);
    lines.clear(entry, REFUSED | QUIET);
    lines.unlink(entry);
    this.#sketch.add(lines.hashOf(entry));
    if (!unused) this.#adapt(refused);
    this.#compare(entry, false);
    this.#enterWindow(entry);
  }

  #enterWindow(entry: number, wasFull = this.resident >= this.#capacity): void {
    const lines = this.#lines;
    this.#clock = (this.#clock + CLOCK_PER_INSERTION) | 0;
    lines.setStamp(entry, this.#clock);
    lines.push(entry, WINDOW);
    // As long as there is room main takes what comes; afterwards `victim` asks the sketch.
    const { windowMax } = this.#border;
    const hasRoom = !wasFull || linesInMain(lines) < this.#capacity - windowMax - this.#aheadMax;
    if (hasRoom) shift(lines, WINDOW, windowMax, 1);
  }

  /** A line that is remembered. Those before it were as hot or hotter, so it stands behind them. */
  #enterMain(entry: number): void {
    const lines = this.#lines;
    this.#clock = (this.#clock + CLOCK_PER_INSERTION) | 0;
    lines.setStamp(entry, this.#clock);
    lines.append(entry, lines.lengthOf(PROTECTED) < this.#border.protectedMax ? PROTECTED : PROBATION);
  }

  /** The oldest line that was brought in ahead, if there are many and what else would leave was used more than once. Or -1. */
  #unusedToLeave(): number {
    const lines = this.#lines;
    if (lines.lengthOf(AHEAD) <= this.#aheadMax) return NO_ENTRY;
    const rival = lines.unpinnedTail(lines.lengthOf(WINDOW) > this.#border.windowMax ? WINDOW : PROBATION);
    if (rival !== NO_ENTRY && this.#sketch.estimate(lines.hashOf(rival)) <= 1) return NO_ENTRY;
    return lines.unpinnedTail(AHEAD);
  }

  /** Takes the window's overflow, if any, over to main, where it has to stand its test. */
  #candidate(): number {
    const lines = this.#lines;
    const surplus = this.resident - this.#capacity;
    const overflow = lines.lengthOf(WINDOW) - this.#border.windowMax;
    if (overflow <= Math.min(0, surplus - 1)) return NO_ENTRY;
    // Pinned lines may have swollen the window. One line more than can be tested goes, to where it is next to leave.
    if (overflow - this.#overtaken > Math.max(0, surplus)) retireFromWindow(lines);
    const entry = lines.unpinnedTail(WINDOW);
    if (entry !== NO_ENTRY) move(lines, entry, PROBATION);
    return entry;
  }

  #admits(candidate: number, victim: number): boolean {
    const frequency = this.#sketch.estimate(this.#lines.hashOf(candidate));
    if (frequency > this.#sketch.estimate(this.#lines.hashOf(victim))) return true;
    return frequency >= JITTER_FREQUENCY && (this.#nextRandom() & JITTER_MASK) === 0;
  }

  /** Moves the border between window and main after a hit on a ghost. */
  #adapt(grow: boolean): void {
    const lines = this.#lines;
    if (grow) this.#epochs.windowHits++;
    this.#border.step(grow, lines.lengthOf(REFUSED_GHOST), lines.lengthOf(MAIN_GHOST));
    if (grow) shift(lines, PROTECTED, this.#border.protectedMax, STEP_MAX);
    else shift(lines, WINDOW, this.#border.windowMax + Math.max(0, this.resident - this.#capacity), STEP_MAX);
  }

  /** Where the shadow follows the key, has LRU do the same, and takes a stride towards it when it is ahead. */
  #compare(entry: number, hit: boolean): void {
    const lines = this.#lines;
    if (!lines.has(entry, FOLLOWED)) return;
    // The sample may have become thinner since the line was marked.
    if (!this.#shadow.follows(lines.hashOf(entry))) lines.clear(entry, FOLLOWED);
    else if (this.#shadow.use(lines.keyOf(entry), hit)) this.#border.strideToLru();
  }

  #tick(): void {
    if (!this.#epochs.tick(this.#capacity)) return;
    const lines = this.#lines;
    // The miss that ends it may have had its room made already.
    const isFull = this.resident + 1 >= this.#capacity;
    const window = lines.lengthOf(WINDOW) + lines.lengthOf(REFUSED_GHOST);
    this.#epochs.end(isFull, this.#sketch, this.#border, window, linesInMain(lines));
  }

  /** xorshift32 (Marsaglia 2003): the cache depends on no library, and this decides ties, for which no more is needed. */
  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x;
  }
}

/** The fewest uses that make a line so hot: 1, 2, 4, 8. */
function usesOf(heat: number): number {
  return 1 << (Math.min(heat, HEAT_MAX) - 1);
}
