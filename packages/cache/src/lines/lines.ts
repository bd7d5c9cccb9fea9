import type { EvictionPolicy } from '../eviction/policy.js';
import type { BufferList } from './buffer-list.js';
import type { Geometry } from './geometry.js';
import { SectorMasks } from './sector-masks.js';
import type { Slabs } from './slabs.js';
import { touchPages } from './touch-pages.js';

const NONE = -1;

/** What the rest of the cache has to know of a line's comings and goings. */
export interface LineEvents {
  /** The policy chose a dirty line: it is parked until written back. */
  parked(entry: number): void;
  /** A line that was brought in before anybody asked for it has been asked for, or has left without. */
  aheadSettled(line: number, wasUsed: boolean): void;
  /** The tables grew: whoever keeps arrays by entry must follow. */
  entriesGrew(entriesMax: number): void;
}

/**
 * The resident lines: which lines there are, where their payload lies, which of their sectors are valid and which dirty.
 * Lines are named by the policy's entries.
 *
 * A slot that was *lent* to a call of the base (as its source or its target) keeps its bytes and its place until it is given
 * back; whoever wants to write to lent sectors moves the line to another slot first. One that was *borrowed* by someone outside does too, but
 * then the slot alone is: a line that has moved on is free.
 */
export class Lines {
  readonly valid: SectorMasks;
  readonly dirty: SectorMasks;
  readonly #geometry: Geometry;
  readonly #policy: EvictionPolicy;
  readonly #slabs: Slabs;
  readonly #events: LineEvents;
  #slotOf: Int32Array;
  #ownerOf: Int32Array;
  /** Loans by slot, and by entry: a line that moved still answers for its old slot's. */
  #loansOf: Uint8Array;
  #loansOfEntry: Uint8Array;
  /** Of the loans of a slot, those to someone outside. */
  #borrowsOf: Uint8Array;
  /** Lines that nobody has asked for yet. */
  #isAhead: Uint8Array;

  /** Bytes of the tables for so many entries and slots, the policy's excluded. */
  static bytesFor(entriesMax: number, slotsMax: number, sectorsPerLine: number): number {
    return entriesMax * (6 + 2 * SectorMasks.bytesPerLine(sectorsPerLine)) + slotsMax * 6;
  }

  constructor(geometry: Geometry, policy: EvictionPolicy, slabs: Slabs, events: LineEvents) {
    this.#geometry = geometry;
    this.#policy = policy;
    this.#slabs = slabs;
    this.#events = events;
    this.valid = new SectorMasks(policy.entriesMax, geometry.sectorsPerLine);
    this.dirty = new SectorMasks(policy.entriesMax, geometry.sectorsPerLine);
    this.#slotOf = new Int32Array(policy.entriesMax).fill(NONE);
    this.#ownerOf = new Int32Array(slabs.slotsMax).fill(NONE);
    this.#loansOf = new Uint8Array(slabs.slotsMax);
    this.#borrowsOf = new Uint8Array(slabs.slotsMax);
    this.#loansOfEntry = new Uint8Array(policy.entriesMax);
    this.#isAhead = new Uint8Array(policy.entriesMax);
  }

  /** Bytes held by tables, the policy's included, payload excluded. */
  get tableBytes(): number {
    const bySlot = this.#ownerOf.byteLength + this.#loansOf.byteLength + this.#borrowsOf.byteLength;
    const arrays = bySlot + this.#slotOf.byteLength + 2 * this.#loansOfEntry.byteLength;
    return arrays + this.valid.byteLength + this.dirty.byteLength + this.#policy.byteLength;
  }

  /** Bytes of payload memory allocated. */
  get payloadBytes(): number {
    return this.#slabs.byteLength;
  }

  get slotsMax(): number {
    return this.#slabs.slotsMax;
  }

  /** Slots that are allocated and given back together. */
  get slotsPerSlab(): number {
    return this.#slabs.slotsPerSlab;
  }

  /** Lines that have memory. */
  get count(): number {
    return this.#policy.resident + this.#policy.parked;
  }

  get parked(): number {
    return this.#policy.parked;
  }

  /** The entry of a line, or -1. */
  find(line: number): number {
    return this.#policy.find(line);
  }

  lineOf(entry: number): number {
    return this.#policy.keyOf(entry);
  }

  /** Counts a use. */
  touch(entry: number): void {
    if (this.#isAhead[entry] === 1) this.#settleAhead(entry, true);
    const wasParked = this.#policy.isParked(entry);
    this.#policy.touch(entry);
    if (wasParked) this.#keepToCapacity(entry);
  }

  /** The line was brought in before anybody asked for it. */
  markAhead(entry: number): void {
    this.#isAhead[entry] = 1;
  }

  isParked(entry: number): boolean {
    return this.#policy.isParked(entry);
  }

  /** Calls `visit` for every line; it must not make or drop any. */
  forEach(visit: (entry: number, line: number) => void): void {
    this.#policy.entries(visit);
  }

  /** Makes an absent line resident, with no valid sector. -1 if there is no memory for it now. */
  admit(line: number, quiet: boolean): number {
    const slot = this.#takeSlot();
    if (slot === NONE) return NONE;
    const entry = this.#policy.insert(line, quiet);
    this.#own(entry, slot);
    this.valid.clearAll(entry);
    this.dirty.clearAll(entry);
    this.#keepToCapacity(entry);
    return entry;
  }

  /** Moves a line to another slot, so that what was lent stays as it is. False if there is no memory for that now. */
  relocate(entry: number): boolean {
    this.#policy.pin(entry);
    const slot = this.#takeSlot();
    this.#policy.unpin(entry);
    if (slot === NONE) return false;
    this.#moveTo(entry, slot);
    return true;
  }

  /** Drops a line that no call of the base is about. */
  drop(entry: number, ghost: boolean): void {
    if (this.#isAhead[entry] === 1) this.#settleAhead(entry, false);
    const slot = this.#slotOf[entry];
    this.#leaveToBorrowers(entry, slot);
    this.#slotOf[entry] = NONE;
    this.#ownerOf[slot] = NONE;
    this.#policy.forget(entry, ghost);
    this.#releaseIfUnused(slot);
  }

  /** The slot that holds the line now. */
  slotOf(entry: number): number {
    return this.#slotOf[entry];
  }

  /** Lends the line's slot to a call of the base, and keeps the line resident meanwhile. Returns the slot. */
  lend(entry: number): number {
    const slot = this.#slotOf[entry];
    this.#loansOf[slot]++;
    this.#loansOfEntry[entry]++;
    this.#policy.pin(entry);
    return slot;
  }

  /** Lends the line's slot to someone outside. The line stays resident as long as it stays in that slot, which is returned. */
  borrow(entry: number): number {
    const slot = this.lend(entry);
    this.#borrowsOf[slot]++;
    return slot;
  }

  /** Ends a loan to someone outside. */
  returnBorrowed(slot: number): void {
    this.#borrowsOf[slot]--;
    const entry = this.#ownerOf[slot];
    if (entry !== NONE) {
      this.giveBack(entry, slot);
    } else {
      this.#loansOf[slot]--;
      this.#releaseIfUnused(slot);
    }
  }

  /** Whether someone outside looks at the line's present slot. */
  isBorrowed(entry: number): boolean {
    return this.#borrowsOf[this.#slotOf[entry]] > 0;
  }

  /** Whether its slot is borrowed, or a call of the base is about this line, in its present slot or in one that it has left. */
  hasLoans(entry: number): boolean {
    return this.#loansOfEntry[entry] > 0;
  }

  /** Whether bytes of the line's present slot are lent. */
  isLent(entry: number): boolean {
    return this.#loansOf[this.#slotOf[entry]] > 0;
  }

  /** Ends a loan. A line that could not leave because of it leaves now: one that is empty, or was parked and is clean. */
  giveBack(entry: number, slot: number): void {
    this.#loansOf[slot]--;
    this.#loansOfEntry[entry]--;
    this.#policy.unpin(entry);
    this.#releaseIfUnused(slot);
    this.leaveIfDone(entry);
  }

  /** Drops a line that has no reason to stay: it holds nothing, or it was parked until clean and is. */
  leaveIfDone(entry: number): void {
    if (this.#loansOfEntry[entry] > 0) return;
    if (!this.valid.any(entry)) this.drop(entry, false);
    else if (this.#policy.isParked(entry) && !this.dirty.any(entry)) this.drop(entry, true);
  }

  /** A view of sectors `from` to `to` of a slot. */
  view(slot: number, from: number, to: number): Uint8Array {
    const { sectorSize } = this.#geometry;
    return this.#slabs.view(slot, from * sectorSize, to * sectorSize);
  }

  /** Copies sectors of a line into a list, from byte `at` of the list on. */
  copyOut(entry: number, from: number, to: number, list: BufferList, at: number): void {
    const bytes = this.view(this.#slotOf[entry], from, to);
    touchPages(bytes);
    list.fillFrom(bytes, at);
  }

  /** Fills sectors of a line from a list, from byte `at` of the list on. Marks nothing. */
  copyIn(entry: number, from: number, to: number, list: BufferList, at: number): void {
    list.copyTo(this.view(this.#slotOf[entry], from, to), at);
  }

  /** Changes the memory to `slotsMax` slots and the policy's aim to `capacity`. Lines leave and move in `settle`. */
  setLimits(slotsMax: number, capacity: number): void {
    this.#slabs.setSlotsMax(slotsMax, (slot) => this.#borrowsOf[slot] > 0);
    if (this.#slabs.slotsMax > this.#ownerOf.length) this.#growSlots(this.#slabs.slotsMax);
    this.#policy.setCapacity(capacity, slotsMax - capacity);
    if (this.#policy.entriesMax > this.#slotOf.length) this.#growEntries(this.#policy.entriesMax);
    this.#keepToCapacity(NONE);
  }

  /** Goes on with a shrink: whether all memory past the limit was given back, but for what is borrowed. */
  settle(): boolean {
    if (!this.#slabs.hasSurplus) return true;
    let isSettled = true;
    for (const slot of this.#slabs.surplusSlots()) {
      const entry = this.#ownerOf[slot];
      if (this.#loansOf[slot] > this.#borrowsOf[slot]) isSettled = false;
      else if (entry !== NONE && !this.#leaveSurplus(entry)) return false;
    }
    this.#keepToCapacity(NONE);
    return isSettled;
  }

  /** Gives everything back at once, whoever uses it. */
  clear(): void {
    this.#slabs.clear();
  }

  #settleAhead(entry: number, wasUsed: boolean): void {
    this.#isAhead[entry] = 0;
    this.#events.aheadSettled(this.lineOf(entry), wasUsed);
  }

  #leaveSurplus(entry: number): boolean {
    const slot = this.#slabs.take();
    if (slot !== NONE) {
      this.#moveTo(entry, slot);
      return true;
    }
    // What is not written yet, or is lent in an earlier slot, has to move; for all else it is simpler to leave.
    const isCalledFor = this.#loansOfEntry[entry] > this.#borrowsOf[this.#slotOf[entry]];
    if (this.dirty.any(entry) || isCalledFor) return this.#evictOne() && this.#leaveSurplus(entry);
    this.drop(entry, false);
    return true;
  }

  #takeSlot(): number {
    const slot = this.#slabs.take();
    if (slot !== NONE) return slot;
    while (this.#evictOne()) {
      const freed = this.#slabs.take();
      if (freed !== NONE) return freed;
    }
    return NONE;
  }

  /** Lets the policy's choices leave until one of them has left. False if nothing can leave now. */
  #evictOne(): boolean {
    for (;;) {
      const entry = this.#policy.victim();
      if (entry === NONE) return false;
      if (this.#leave(entry)) return true;
    }
  }

  /** Restores the room that parked lines are meant to have. `newcomer` stays. */
  #keepToCapacity(newcomer: number): void {
    if (newcomer !== NONE) this.#policy.pin(newcomer);
    while (this.#policy.resident > this.#policy.capacity) {
      const entry = this.#policy.victim();
      if (entry === NONE) break;
      this.#leave(entry);
    }
    if (newcomer !== NONE) this.#policy.unpin(newcomer);
  }

  /** The end of a line that `victim` chose: gone if clean, parked if dirty. */
  #leave(entry: number): boolean {
    if (this.dirty.any(entry)) {
      this.#policy.park(entry);
      this.#events.parked(entry);
      return false;
    }
    this.drop(entry, true);
    return true;
  }

  #own(entry: number, slot: number): void {
    this.#slotOf[entry] = slot;
    this.#ownerOf[slot] = entry;
  }

  #moveTo(entry: number, slot: number): void {
    const old = this.#slotOf[entry];
    const { sectorsPerLine } = this.#geometry;
    this.view(slot, 0, sectorsPerLine).set(this.view(old, 0, sectorsPerLine));
    this.#leaveToBorrowers(entry, old);
    this.#ownerOf[old] = NONE;
    this.#own(entry, slot);
    this.#releaseIfUnused(old);
  }

  /** The line leaves its slot: what is borrowed is the slot alone from now on. */
  #leaveToBorrowers(entry: number, slot: number): void {
    for (let borrows = this.#borrowsOf[slot]; borrows > 0; borrows--) {
      this.#loansOfEntry[entry]--;
      this.#policy.unpin(entry);
    }
  }

  #releaseIfUnused(slot: number): void {
    if (this.#ownerOf[slot] === NONE && this.#loansOf[slot] === 0) this.#slabs.release(slot);
  }

  #growEntries(entriesMax: number): void {
    const slotOf = new Int32Array(entriesMax).fill(NONE);
    slotOf.set(this.#slotOf);
    this.#slotOf = slotOf;
    const loansOfEntry = new Uint8Array(entriesMax);
    loansOfEntry.set(this.#loansOfEntry);
    this.#loansOfEntry = loansOfEntry;
    const isAhead = new Uint8Array(entriesMax);
    isAhead.set(this.#isAhead);
    this.#isAhead = isAhead;
    this.valid.resize(entriesMax);
    this.dirty.resize(entriesMax);
    this.#events.entriesGrew(entriesMax);
  }

  #growSlots(slotsMax: number): void {
    const ownerOf = new Int32Array(slotsMax).fill(NONE);
    ownerOf.set(this.#ownerOf);
    this.#ownerOf = ownerOf;
    const loansOf = new Uint8Array(slotsMax);
    loansOf.set(this.#loansOf);
    this.#loansOf = loansOf;
    const borrowsOf = new Uint8Array(slotsMax);
    borrowsOf.set(this.#borrowsOf);
    this.#borrowsOf = borrowsOf;
  }
}
