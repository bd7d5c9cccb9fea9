import { NO_ENTRY } from '../tables/numbers.js';
import { LineTable } from './line-table.js';
import {
  checkCapacity,
  type EvictionPolicy,
  HEAT_MAX,
  type PolicyOptions,
  randomSeed,
  SPARE_ENTRIES,
} from './policy.js';

const RESIDENT = 1;
const PARKED = 2;

/** Least recently used leaves first. One list, no ghosts, nothing learnt: the yardstick for other policies. */
export class LruPolicy implements EvictionPolicy {
  readonly #lines: LineTable;
  #maxParked: number;
  #capacity: number;
  /** Counts uses, modulo 2^32. Each line has that of its last one. */
  #clock = 0;

  constructor(options: PolicyOptions) {
    checkCapacity(options.capacity);
    this.#capacity = options.capacity;
    this.#maxParked = options.maxParked ?? 0;
    this.#lines = new LineTable(this.#entriesFor(options.capacity), options.seed ?? randomSeed());
  }

  get capacity(): number {
    return this.#capacity;
  }

  get resident(): number {
    return this.#lines.lengthOf(RESIDENT);
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
    return this.#lines.find(key);
  }

  keyOf(entry: number): number {
    return this.#lines.keyOf(entry);
  }

  touch(entry: number): void {
    const lines = this.#lines;
    lines.setStamp(entry, ++this.#clock | 0);
    if (lines.listOf(entry) === RESIDENT) {
      lines.refresh(entry);
      return;
    }
    lines.unlink(entry);
    lines.push(entry, RESIDENT);
  }

  insert(key: number, _quiet?: boolean, heat = 0): number {
    const lines = this.#lines;
    const entry = lines.add(key);
    if (entry === NO_ENTRY) throw new Error('insert must find a free entry: evict first');
    if (heat > 0) this.#enterBehind(entry, heat);
    else {
      lines.setStamp(entry, ++this.#clock | 0);
      lines.push(entry, RESIDENT);
    }
    return entry;
  }

  /** By its age among those of all: of the youngest quarter are the hottest. */
  heatOf(entry: number): number {
    const lines = this.#lines;
    const tail = lines.tail(RESIDENT);
    const oldest = tail === NO_ENTRY ? 0 : this.#ageOf(tail);
    const age = Math.min(this.#ageOf(entry), oldest);
    return HEAT_MAX - Math.floor((HEAT_MAX * age) / (oldest + 1));
  }

  pin(entry: number): void {
    this.#lines.pin(entry);
  }

  unpin(entry: number): void {
    this.#lines.unpin(entry);
  }

  victim(): number {
    const lines = this.#lines;
    const entry = lines.unpinnedTail(RESIDENT);
    if (entry === NO_ENTRY) return NO_ENTRY;
    lines.unlink(entry);
    lines.push(entry, PARKED);
    return entry;
  }

  forget(entry: number, _ghost: boolean): void {
    const lines = this.#lines;
    if (lines.pinsOf(entry) > 0) throw new Error(`entry ${entry} must not be pinned to be forgotten`);
    lines.unlink(entry);
    lines.remove(entry);
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
    this.#capacity = lines;
    this.#lines.grow(this.#entriesFor(lines));
  }

  entries(visit: (entry: number, key: number) => void): void {
    this.#lines.entries(visit);
  }

  /** A line that is remembered. Those before it were as hot or hotter, so it stands behind them. */
  #enterBehind(entry: number, heat: number): void {
    const lines = this.#lines;
    const age = Math.floor(((HEAT_MAX - heat) / HEAT_MAX) * this.#capacity);
    lines.setStamp(entry, (this.#clock - age) | 0);
    lines.append(entry, RESIDENT);
  }

  #ageOf(entry: number): number {
    return (this.#clock - this.#lines.stampOf(entry)) >>> 0;
  }

  #entriesFor(capacity: number): number {
    return capacity + this.#maxParked + SPARE_ENTRIES;
  }
}
