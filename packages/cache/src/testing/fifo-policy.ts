import type { EvictionPolicy, PolicyFactory, PolicyOptions } from '../policies.js';

/** Lines that are being brought in while others leave. */
const SPARE_ENTRIES = 8;
const ENTRY_BYTES = 100;

/** First in, first out: a small policy such as a caller may write, by the documented interface alone. */
export class FifoPolicy implements EvictionPolicy {
  capacity: number;
  entriesMax = 0;
  #maxParked: number;
  readonly #free: number[] = [];
  readonly #keys: number[] = [];
  readonly #entries = new Map<number, number>();
  /** Residents, the oldest first. */
  readonly #queue = new Set<number>();
  readonly #parked = new Set<number>();
  readonly #pins = new Map<number, number>();

  constructor({ capacity, maxParked = 0 }: PolicyOptions) {
    this.capacity = capacity;
    this.#maxParked = maxParked;
    this.#grow();
  }

  get resident(): number {
    return this.#queue.size;
  }

  get parked(): number {
    return this.#parked.size;
  }

  get byteLength(): number {
    return this.entriesMax * ENTRY_BYTES;
  }

  find(key: number): number {
    return this.#entries.get(key) ?? -1;
  }

  keyOf(entry: number): number {
    return this.#keys[entry] ?? -1;
  }

  touch(entry: number): void {
    if (this.#parked.delete(entry)) this.#queue.add(entry);
  }

  insert(key: number): number {
    const entry = this.#free.pop();
    if (entry === undefined) throw new Error('insert must find a free entry');
    this.#keys[entry] = key;
    this.#entries.set(key, entry);
    this.#queue.add(entry);
    return entry;
  }

  heatOf(): number {
    return 1;
  }

  pin(entry: number): void {
    this.#pins.set(entry, (this.#pins.get(entry) ?? 0) + 1);
  }

  unpin(entry: number): void {
    const left = (this.#pins.get(entry) ?? 0) - 1;
    if (left > 0) this.#pins.set(entry, left);
    else this.#pins.delete(entry);
  }

  victim(): number {
    for (const entry of this.#queue) {
      if (this.#pins.has(entry)) continue;
      this.#queue.delete(entry);
      this.#parked.add(entry);
      return entry;
    }
    return -1;
  }

  forget(entry: number): void {
    if (this.#pins.has(entry)) throw new Error(`entry ${entry} must not be pinned to be forgotten`);
    this.#queue.delete(entry);
    this.#parked.delete(entry);
    this.#entries.delete(this.keyOf(entry));
    this.#free.push(entry);
  }

  park(): void {}

  isParked(entry: number): boolean {
    return this.#parked.has(entry);
  }

  setCapacity(lines: number, maxParked = this.#maxParked): void {
    this.capacity = lines;
    this.#maxParked = maxParked;
    this.#grow();
  }

  entries(visit: (entry: number, key: number) => void): void {
    for (const [key, entry] of this.#entries) visit(entry, key);
  }

  #grow(): void {
    const before = this.entriesMax;
    this.entriesMax = Math.max(before, this.capacity + this.#maxParked + SPARE_ENTRIES);
    // The lowest is taken first: the policies of the package have no line in entry 0.
    for (let entry = this.entriesMax - 1; entry >= before; entry--) this.#free.push(entry);
  }
}

export const fifo: PolicyFactory = (options) => new FifoPolicy(options);
