import { LineTable } from './line-table.js';
import { checkCapacity, type EvictionPolicy, type PolicyOptions, randomSeed, SPARE_ENTRIES } from './policy.js';

const RESIDENT = 1;
const PARKED = 2;

/** Least recently used leaves first. One list, no ghosts, nothing learnt: the yardstick for other policies. */
export class LruPolicy implements EvictionPolicy {
  readonly #lines: LineTable;
  #parkedMax: number;
  #capacity: number;

  constructor(options: PolicyOptions) {
    checkCapacity(options.capacity);
    this.#capacity = options.capacity;
    this.#parkedMax = options.parkedMax ?? 0;
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
    if (lines.listOf(entry) === RESIDENT) {
      lines.refresh(entry);
      return;
    }
    lines.unlink(entry);
    lines.push(entry, RESIDENT);
  }

  insert(key: number): number {
    const entry = this.#lines.add(key);
    if (entry < 0) throw new Error('insert must find a free entry: evict first');
    this.#lines.push(entry, RESIDENT);
    return entry;
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
    if (entry < 0) return -1;
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

  setCapacity(lines: number, parkedMax = this.#parkedMax): void {
    checkCapacity(lines);
    this.#parkedMax = parkedMax;
    this.#capacity = lines;
    this.#lines.grow(this.#entriesFor(lines));
  }

  entries(visit: (entry: number, key: number) => void): void {
    this.#lines.entries(visit);
  }

  #entriesFor(capacity: number): number {
    return capacity + this.#parkedMax + SPARE_ENTRIES;
  }
}
