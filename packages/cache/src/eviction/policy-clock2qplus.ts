import { NO_ENTRY } from '../tables/numbers.js';
import { FIRST_FLAG, LineTable } from './line-table.js';
import {
  checkCapacity,
  type EvictionPolicy,
  HEAT_MAX,
  type PolicyOptions,
  randomSeed,
  SPARE_ENTRIES,
} from './policy.js';

/** Lists. `AHEAD` has what was prefetched and not used yet. Ghosts come last, so that a comparison tells them apart. */
const SMALL = 1;
const MAIN = 2;
const AHEAD = 3;
const PARKED = 4;
const GHOST = 5;

/** Set by a use, cleared by the hand of the clock. */
const REFERENCED = FIRST_FLAG;
/** A prefetched line before its first use. */
const QUIET = FIRST_FLAG << 1;
/** A parked line that left the small queue, not main. */
const FROM_SMALL = FIRST_FLAG << 2;

/** Shares of the capacity. */
const SMALL_SHARE = 0.1;
const AHEAD_SHARE = 0.3;
const GHOST_SHARE = 0.5;
/** Share of the small queue, its newest part. */
const CORRELATION_WINDOW = 0.5;

/** A remembered line of this heat or more has been in main. */
const HEAT_OF_MAIN = 2;

/**
 * Clock2Q+ (Zhai and others, "Clock2Q+: A Simple and Efficient Replacement Algorithm for Metadata Cache in VMware vSAN", VLDB
 * 2026). A small queue in order of arrival takes what is new, a clock has what proved itself, and ghosts of lines that left the
 * small queue send what comes back to the clock at once. Uses of a line in the newest half of the small queue, its *correlation
 * window*, do not count: they belong to the request that brought it in.
 */
export class Clock2QPlusPolicy implements EvictionPolicy {
  readonly #lines: LineTable;
  #maxParked: number;
  #capacity = 0;
  #smallMax = 0;
  #windowLines = 0;
  #ghostsMax = 0;
  #aheadMax = 0;
  /** Counts arrivals in the small queue, modulo 2^32. Each of its lines has that of its own. */
  #arrivals = 0;
  /** What was inserted last, until room is made for it. It stands before all that the hand passes meanwhile. */
  #newest: number = NO_ENTRY;

  constructor(options: PolicyOptions) {
    checkCapacity(options.capacity);
    this.#maxParked = options.maxParked ?? 0;
    this.#lines = new LineTable(this.#entriesFor(options.capacity), options.seed ?? randomSeed());
    this.#scale(options.capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  get resident(): number {
    const lines = this.#lines;
    return lines.lengthOf(SMALL) + lines.lengthOf(MAIN) + lines.lengthOf(AHEAD);
  }

  get parked(): number {
    return this.#lines.lengthOf(PARKED);
  }

  get entriesMax(): number {
    return this.#lines.entriesMax;
  }

  get byteLength(): number {
    return this.#lines.byteLength;
  }

  find(key: number): number {
    const entry = this.#lines.find(key);
    return entry === NO_ENTRY || this.#lines.listOf(entry) === GHOST ? NO_ENTRY : entry;
  }

  keyOf(entry: number): number {
    return this.#lines.keyOf(entry);
  }

  touch(entry: number): void {
    const lines = this.#lines;
    const list = lines.listOf(entry);
    if (list === PARKED) {
      this.#comeBack(entry);
    } else if (list === AHEAD) {
      const next = this.#listForNew;
      lines.clear(entry, QUIET);
      lines.unlink(entry);
      this.#enter(entry, next);
    } else if (lines.has(entry, QUIET)) {
      // A line that an earlier cache held was remembered for its use: the first one counts for no more.
      lines.clear(entry, QUIET);
    } else if (list === MAIN || !this.#isCorrelated(entry)) {
      lines.set(entry, REFERENCED);
    }
  }

  insert(key: number, quiet = false, heat = 0): number {
    const lines = this.#lines;
    let entry = lines.find(key);
    const isGhost = entry !== NO_ENTRY;
    if (isGhost) {
      if (lines.listOf(entry) !== GHOST) throw new Error(`key ${key} must not be known to be inserted`);
      lines.unlink(entry);
    } else {
      entry = this.#take(key);
    }
    this.#newest = entry;
    if (quiet) lines.set(entry, QUIET);
    if (heat >= HEAT_OF_MAIN) this.#enterBehind(entry, heat);
    else if (quiet && heat === 0) lines.push(entry, AHEAD);
    else this.#enter(entry, isGhost && !quiet ? MAIN : this.#listForNew);
    return entry;
  }

  heatOf(entry: number): number {
    const lines = this.#lines;
    const isReferenced = lines.has(entry, REFERENCED);
    if (lines.listOf(entry) === MAIN) return isReferenced ? HEAT_MAX : HEAT_OF_MAIN;
    if (lines.has(entry, QUIET)) return 0;
    return isReferenced ? HEAT_OF_MAIN : 1;
  }

  pin(entry: number): void {
    this.#lines.pin(entry);
  }

  unpin(entry: number): void {
    this.#lines.unpin(entry);
  }

  victim(): number {
    const lines = this.#lines;
    for (;;) {
      const entry = this.#nextOut();
      if (entry === NO_ENTRY) return NO_ENTRY;
      const list = lines.listOf(entry);
      const stays = lines.has(entry, REFERENCED);
      lines.clear(entry, REFERENCED);
      lines.unlink(entry);
      if (stays) {
        lines.push(entry, MAIN);
        this.#keepNewestFirst();
        continue;
      }
      this.#newest = NO_ENTRY;
      if (list === SMALL) lines.set(entry, FROM_SMALL);
      lines.push(entry, PARKED);
      return entry;
    }
  }

  forget(entry: number, ghost: boolean): void {
    const lines = this.#lines;
    if (lines.pinsOf(entry) > 0) throw new Error(`entry ${entry} must not be pinned to be forgotten`);
    const isFromSmall = lines.listOf(entry) === SMALL || lines.has(entry, FROM_SMALL);
    // A line that was never asked for says nothing about what should have stayed.
    const isUnused = lines.has(entry, QUIET);
    lines.unlink(entry);
    if (!ghost || !isFromSmall || isUnused) {
      lines.remove(entry);
      return;
    }
    lines.clear(entry, REFERENCED | FROM_SMALL);
    lines.push(entry, GHOST);
    if (lines.lengthOf(GHOST) > this.#ghostsMax) this.#dropGhost();
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
    this.#lines.grow(this.#entriesFor(lines));
    this.#scale(lines);
    this.#newest = NO_ENTRY;
    while (this.#lines.lengthOf(GHOST) > this.#ghostsMax) this.#dropGhost();
  }

  entries(visit: (entry: number, key: number) => void): void {
    const lines = this.#lines;
    lines.entries((entry, key) => {
      if (lines.listOf(entry) !== GHOST) visit(entry, key);
    });
  }

  #entriesFor(capacity: number): number {
    return capacity + this.#maxParked + ghostsFor(capacity) + SPARE_ENTRIES;
  }

  #scale(capacity: number): void {
    this.#capacity = capacity;
    this.#smallMax = capacity === 1 ? 0 : Math.max(1, Math.floor(capacity * SMALL_SHARE));
    this.#windowLines = Math.ceil(this.#smallMax * CORRELATION_WINDOW);
    this.#ghostsMax = ghostsFor(capacity);
    this.#aheadMax = Math.floor(capacity * AHEAD_SHARE);
  }

  /** Only while the cache fills does a full small queue send what is new to main. */
  get #listForNew(): number {
    const hasRoom = this.#lines.lengthOf(SMALL) < this.#smallMax || this.resident >= this.#capacity;
    return this.#smallMax > 0 && hasRoom ? SMALL : MAIN;
  }

  #isCorrelated(entry: number): boolean {
    return (this.#arrivals - this.#lines.stampOf(entry)) >>> 0 < this.#windowLines;
  }

  #enter(entry: number, list: number): void {
    if (list === SMALL) this.#enterSmall(entry);
    else this.#lines.push(entry, list);
  }

  #enterSmall(entry: number): void {
    this.#arrivals = (this.#arrivals + 1) | 0;
    this.#lines.setStamp(entry, this.#arrivals);
    this.#lines.push(entry, SMALL);
  }

  /** A line that is remembered. Those before it were as hot or hotter, so it stands behind them. */
  #enterBehind(entry: number, heat: number): void {
    if (heat === HEAT_MAX) this.#lines.set(entry, REFERENCED);
    this.#lines.append(entry, MAIN);
  }

  /** A line that was on its way out is used: from the small queue that is a hit of a ghost, but for the fetch. */
  #comeBack(entry: number): void {
    const lines = this.#lines;
    const wasUnused = lines.has(entry, QUIET);
    lines.clear(entry, QUIET | FROM_SMALL);
    lines.unlink(entry);
    if (wasUnused && this.#smallMax > 0) this.#enterSmall(entry);
    else lines.push(entry, MAIN);
  }

  /** The line that the hand points to next, or -1: of the small queue where that is too long for one arrival more. */
  #nextOut(): number {
    const lines = this.#lines;
    const arriving = this.resident > this.#capacity ? 0 : 1;
    const first = lines.lengthOf(SMALL) + arriving > this.#smallMax ? SMALL : MAIN;
    let entry = lines.unpinnedTail(first);
    if (entry === NO_ENTRY) entry = lines.unpinnedTail(first === SMALL ? MAIN : SMALL);
    // Of many lines that were brought in ahead the oldest goes, unless what else would go was used no more either.
    const isUsedAgain = entry !== NO_ENTRY && lines.has(entry, REFERENCED);
    if (entry !== NO_ENTRY && !(isUsedAgain && lines.lengthOf(AHEAD) > this.#aheadMax)) return entry;
    const unused = lines.unpinnedTail(AHEAD);
    return unused !== NO_ENTRY ? unused : entry;
  }

  /** Callers insert before they make room; the paper makes room first. */
  #keepNewestFirst(): void {
    const newest = this.#newest;
    if (newest !== NO_ENTRY && this.resident > this.#capacity && this.#lines.listOf(newest) === MAIN)
      this.#lines.refresh(newest);
  }

  /** A fresh entry of `key`; if all are in use, at the cost of the oldest ghost. */
  #take(key: number): number {
    let entry = this.#lines.add(key);
    if (entry !== NO_ENTRY) return entry;
    this.#dropGhost();
    entry = this.#lines.add(key);
    if (entry === NO_ENTRY) throw new Error('insert must find a free entry: evict first');
    return entry;
  }

  #dropGhost(): void {
    const ghost = this.#lines.tail(GHOST);
    if (ghost === NO_ENTRY) return;
    this.#lines.unlink(ghost);
    this.#lines.remove(ghost);
  }
}

function ghostsFor(capacity: number): number {
  return Math.max(1, Math.floor(capacity * GHOST_SHARE));
}
