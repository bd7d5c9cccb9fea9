import { NO_ENTRY } from '../tables/numbers.js';
import { intAt } from '../tables/words.js';

/**
 * A pool of entries, a hash table from key to entry, and doubly linked lists through the entries: what eviction policies are
 * made of. All in two typed arrays.
 *
 * - The record of an entry is 32 bytes in one place, so that a use touches one cache line of it, not one per field.
 * - The table is open addressing with linear probing at a load of at most 1/2. A slot holds the entry and, in the bits that
 *   the entry leaves free, a piece of the hash, so that strangers are told apart without touching their records.
 * - Deletion shifts back what follows: no tombstones, and a table that is never rebuilt except to grow.
 * - Heads of lists are records too (entries 0 to 7), so that linking knows no special case.
 */

/** Words of a record. What most hits need stands in the first half: memory is aligned to halves at least, not to records. */
const KEY_LOW = 0;
const KEY_HIGH = 1;
/** In the low three bits the number of the list, 0 if in none; then flags. */
const STATE = 2;
/** Of the policy. */
const STAMP = 3;
const PREVIOUS = 4;
const NEXT = 5;
const HASH = 6;
const PINS = 7;
const RECORD_SHIFT = 3;

/** Lists are numbered 1 to 7 and their heads are the entries of the same number. */
const LIST_MASK = 7;
export const FIRST_ENTRY = 8;

/** Set while the entry stands for a key. */
const IN_USE = 1 << 30;
/** Set where a pinned entry was unlinked from its list's tail, and counts as a member of it still. */
const ASIDE = 8;
/** Bits of a state from here on are flags of the policy above, and stay with the entry from list to list. */
export const FIRST_FLAG = 16;

/** Limit of entries, so that slots and offsets of records are 31-bit integers. */
const ENTRIES_MAX = 1 << 26;

export class LineTable {
  #records: Int32Array;
  #slots: Int32Array;
  #slotMask = 0;
  #entryMask = 0;
  #entriesMax = 0;
  readonly #lengths = new Int32Array(LIST_MASK + 1);
  /** Head of the chain of freed entries, linked by NEXT; 0 ends it. */
  #freed = 0;
  /** Entries from here on were never used. */
  #fresh = FIRST_ENTRY;
  readonly #seed: number;
  readonly #multiplier: number;

  /** Room for `entries` entries. */
  constructor(entries: number, seed: number) {
    this.#seed = mix(seed | 0);
    this.#multiplier = mix(this.#seed) | 1;
    this.#records = new Int32Array(0);
    this.#slots = new Int32Array(0);
    this.grow(entries);
    for (let list = 1; list <= LIST_MASK; list++) {
      this.#put(list, PREVIOUS, list);
      this.#put(list, NEXT, list);
    }
  }

  /** Every entry is below. */
  get entriesMax(): number {
    return this.#entriesMax;
  }

  get byteLength(): number {
    return this.#records.byteLength + this.#slots.byteLength + this.#lengths.byteLength;
  }

  /** Makes room for `entries` entries if there is less. Known entries stay valid. */
  grow(entries: number): void {
    const entriesMax = FIRST_ENTRY + entries;
    if (entriesMax > ENTRIES_MAX) throw new RangeError(`a table of ${entries} entries is above the limit`);
    if (entriesMax <= this.#entriesMax) return;
    const records = new Int32Array(entriesMax << RECORD_SHIFT);
    records.set(this.#records);
    this.#records = records;
    this.#entriesMax = entriesMax;
    const slots = 2 ** Math.ceil(Math.log2(entriesMax * 2));
    if (slots !== this.#slots.length) this.#rebuild(slots);
  }

  /** The entry of `key`, in whatever state, or -1. */
  find(key: number): number {
    const low = key | 0;
    const high = (key * 2 ** -32) | 0;
    const hash = this.#hash(low, high);
    const records = this.#records;
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    const entryMask = this.#entryMask;
    for (let at = hash & slotMask; ; at = (at + 1) & slotMask) {
      const slot = intAt(slots, at);
      if (slot === 0) return NO_ENTRY;
      if (((slot ^ hash) & ~entryMask) !== 0) continue;
      const entry = slot & entryMask;
      const record = entry << RECORD_SHIFT;
      if (records[record + KEY_LOW] === low && records[record + KEY_HIGH] === high) return entry;
    }
  }

  /** A new entry of `key`, which has none, in no list yet; -1 if all are in use. */
  add(key: number): number {
    const entry = this.#take();
    if (entry === NO_ENTRY) return NO_ENTRY;
    const low = key | 0;
    const high = (key * 2 ** -32) | 0;
    const hash = this.#hash(low, high);
    this.#put(entry, KEY_LOW, low);
    this.#put(entry, KEY_HIGH, high);
    this.#put(entry, HASH, hash);
    this.#put(entry, PINS, 0);
    this.#put(entry, STATE, IN_USE);
    this.#place(entry, hash);
    return entry;
  }

  /** Frees the entry, which must be in no list. */
  remove(entry: number): void {
    this.#vacate(this.#slotOf(entry));
    this.#put(entry, STATE, 0);
    this.#put(entry, NEXT, this.#freed);
    this.#freed = entry;
  }

  keyOf(entry: number): number {
    return this.#get(entry, KEY_HIGH) * 2 ** 32 + (this.#get(entry, KEY_LOW) >>> 0);
  }

  /** 32 bits that depend on the key and the seed; the lowest three are the key's own. */
  hashOf(entry: number): number {
    return this.#get(entry, HASH);
  }

  stampOf(entry: number): number {
    return this.#get(entry, STAMP);
  }

  setStamp(entry: number, stamp: number): void {
    this.#put(entry, STAMP, stamp);
  }

  /** The list that the entry is in. */
  listOf(entry: number): number {
    return this.#get(entry, STATE) & LIST_MASK;
  }

  /** Whether the policy's flag is set. */
  has(entry: number, flag: number): boolean {
    return (this.#get(entry, STATE) & flag) !== 0;
  }

  set(entry: number, flag: number): void {
    this.#put(entry, STATE, this.#get(entry, STATE) | flag);
  }

  clear(entry: number, flag: number): void {
    this.#put(entry, STATE, this.#get(entry, STATE) & ~flag);
  }

  lengthOf(list: number): number {
    return intAt(this.#lengths, list);
  }

  /** Links an entry that is in no list at the head of `list`. */
  push(entry: number, list: number): void {
    this.#join(entry, list);
    this.#linkAfter(list, entry);
  }

  /** Links an entry that is in no list at the tail of `list`. */
  append(entry: number, list: number): void {
    this.#join(entry, list);
    this.#linkAfter(this.#get(list, PREVIOUS), entry);
  }

  /** Takes an entry out of its list. */
  unlink(entry: number): void {
    const list = this.listOf(entry);
    this.#lengths[list] = this.lengthOf(list) - 1;
    this.#detach(entry);
    this.clear(entry, LIST_MASK);
  }

  /** Moves an entry to the head of the list that it is in. */
  refresh(entry: number): void {
    const list = this.listOf(entry);
    if (this.#get(list, NEXT) === entry) return;
    this.#detach(entry);
    this.#linkAfter(list, entry);
  }

  /** The last of `list`, pinned or not, or -1. */
  tail(list: number): number {
    const entry = this.#get(list, PREVIOUS);
    return entry === list ? NO_ENTRY : entry;
  }

  /**
   * The last of `list` that is not pinned, or -1.
   *
   * Pinned ones in the way are unlinked, and linked again at the tail when their last pin goes: each is passed over once, and
   * none loses its place.
   */
  unpinnedTail(list: number): number {
    for (;;) {
      const entry = this.#get(list, PREVIOUS);
      if (entry === list) return NO_ENTRY;
      if (this.#get(entry, PINS) === 0) return entry;
      this.#detach(entry);
      this.set(entry, ASIDE);
    }
  }

  pinsOf(entry: number): number {
    return this.#get(entry, PINS);
  }

  pin(entry: number): void {
    this.#put(entry, PINS, this.#get(entry, PINS) + 1);
  }

  unpin(entry: number): void {
    const pins = this.#get(entry, PINS) - 1;
    if (pins < 0) throw new Error(`entry ${entry} must be pinned to be unpinned`);
    this.#put(entry, PINS, pins);
    if (pins > 0 || !this.has(entry, ASIDE)) return;
    this.clear(entry, ASIDE);
    this.#linkAfter(this.#get(this.listOf(entry), PREVIOUS), entry);
  }

  /** Calls `visit` for every entry that is not free. */
  entries(visit: (entry: number, key: number) => void): void {
    for (let entry = FIRST_ENTRY; entry < this.#fresh; entry++) {
      if (this.#get(entry, STATE) !== 0) visit(entry, this.keyOf(entry));
    }
  }

  #get(entry: number, word: number): number {
    return intAt(this.#records, (entry << RECORD_SHIFT) + word);
  }

  #put(entry: number, word: number, value: number): void {
    this.#records[(entry << RECORD_SHIFT) + word] = value;
  }

  #join(entry: number, list: number): void {
    this.set(entry, list);
    this.#lengths[list] = this.lengthOf(list) + 1;
  }

  #linkAfter(previous: number, entry: number): void {
    const next = this.#get(previous, NEXT);
    this.#put(entry, PREVIOUS, previous);
    this.#put(entry, NEXT, next);
    this.#put(previous, NEXT, entry);
    this.#put(next, PREVIOUS, entry);
  }

  /** Unlinks an entry unless it is aside, when it is linked nowhere. */
  #detach(entry: number): void {
    if (this.has(entry, ASIDE)) {
      this.clear(entry, ASIDE);
      return;
    }
    const previous = this.#get(entry, PREVIOUS);
    const next = this.#get(entry, NEXT);
    this.#put(previous, NEXT, next);
    this.#put(next, PREVIOUS, previous);
  }

  #take(): number {
    const entry = this.#freed;
    if (entry !== 0) {
      this.#freed = this.#get(entry, NEXT);
      return entry;
    }
    return this.#fresh < this.#entriesMax ? this.#fresh++ : NO_ENTRY;
  }

  /**
   * Neighbours have neighbouring slots, eight to a group, and different high bits: requests in sequence find the next slot in
   * memory that is at hand.
   */
  #hash(low: number, high: number): number {
    const group = mix((low >>> 3) ^ this.#seed ^ Math.imul(high, this.#multiplier));
    const member = low & 7;
    return ((group << 3) | member) ^ (member << 29);
  }

  #place(entry: number, hash: number): void {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    let at = hash & slotMask;
    while (slots[at] !== 0) at = (at + 1) & slotMask;
    slots[at] = (hash & ~this.#entryMask) | entry;
  }

  #slotOf(entry: number): number {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    const hash = this.hashOf(entry);
    const slot = (hash & ~this.#entryMask) | entry;
    let at = hash & slotMask;
    while (slots[at] !== slot) at = (at + 1) & slotMask;
    return at;
  }

  /** Empties a slot and shifts back those after it that may not stand behind a gap. */
  #vacate(at: number): void {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    let gap = at;
    for (let next = (at + 1) & slotMask; slots[next] !== 0; next = (next + 1) & slotMask) {
      const slot = intAt(slots, next);
      const home = this.hashOf(slot & this.#entryMask) & slotMask;
      if (((next - home) & slotMask) < ((next - gap) & slotMask)) continue;
      slots[gap] = slot;
      gap = next;
    }
    slots[gap] = 0;
  }

  #rebuild(slots: number): void {
    this.#slots = new Int32Array(slots);
    this.#slotMask = slots - 1;
    // At a load of at most 1/2 an entry needs one bit less than a slot's number.
    this.#entryMask = slots / 2 - 1;
    for (let entry = FIRST_ENTRY; entry < this.#fresh; entry++) {
      if (this.#get(entry, STATE) !== 0) this.#place(entry, this.hashOf(entry));
    }
  }
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
