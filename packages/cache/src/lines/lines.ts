import { invariant } from '@blockyard/block';
import type { EvictionPolicy } from '../eviction/policy.js';
import { CountedMasks } from '../tables/counted-masks.js';
import { type Entry, type Line, NO_ENTRY, NO_SLOT, type Slot } from '../tables/numbers.js';
import { SectorMasks } from '../tables/sector-masks.js';
import { CountTable, FlagTable, LinkTable } from '../tables/tables.js';
import type { BufferList } from './buffer-list.js';
import type { Geometry } from './geometry.js';
import type { Slabs } from './slabs.js';
import { touchPages } from './touch-pages.js';

/** What the rest of the cache has to know of a line's comings and goings. */
export interface LineEvents {
  /** The policy chose a dirty line: it is parked until written back. */
  parked(entry: Entry): void;
  /**
   * A line that was brought in before a request asked for it has been asked for, or has left without. `byWarmUp`: a warm-up
   * brought it in.
   */
  aheadSettled(line: Line, wasUsed: boolean, byWarmUp: boolean): void;
  /** The tables grew: those who keep tables by entry must follow. */
  entriesGrew(entriesMax: number): void;
}

/**
 * The resident lines: which lines there are, where their payload lies, which of their sectors are valid and which dirty. Lines
 * are named by the policy's entries.
 *
 * A slot that is *pinned*, since a call of the base reads from it or writes to it, keeps its bytes and its place until it is
 * unpinned; who wants to write to the sectors in use moves the line to another slot first. A slot that is *lent* to a caller is
 * pinned too, but then the slot alone is: a line that has moved on is free.
 */
export class Lines {
  readonly valid: SectorMasks;
  readonly dirty: CountedMasks;
  /** Lines of which little was fetched, to see whether the rest is asked for. */
  readonly probes: FlagTable<Entry>;
  readonly #geometry: Geometry;
  readonly #policy: EvictionPolicy;
  readonly #slabs: Slabs;
  readonly #events: LineEvents;
  readonly #slotOf: LinkTable<Entry, Slot>;
  readonly #ownerOf: LinkTable<Slot, Entry>;
  /** Pins by slot, and by entry: a line that moved still answers for those of its old slot. */
  readonly #pinsOfSlot: CountTable<Slot>;
  readonly #pinsOfEntry: CountTable<Entry>;
  /** Of the pins of a slot, the loans to callers. */
  readonly #loansOfSlot: CountTable<Slot>;
  /** Lines that no request has asked for yet. */
  readonly #isAhead: FlagTable<Entry>;
  /** Lines that a warm-up brought in, used since or not. */
  readonly #isWarmed: FlagTable<Entry>;

  /** Bytes of the tables for so many entries and slots, the policy's excluded. */
  static bytesFor(entriesMax: number, slotsMax: number, sectorsPerLine: number): number {
    const perEntry = LinkTable.bytesPerPlace + CountTable.bytesPerPlace + 3 * FlagTable.bytesPerPlace;
    const perSlot = LinkTable.bytesPerPlace + 2 * CountTable.bytesPerPlace;
    return entriesMax * (perEntry + 2 * SectorMasks.bytesPerLine(sectorsPerLine)) + slotsMax * perSlot;
  }

  constructor(geometry: Geometry, policy: EvictionPolicy, slabs: Slabs, events: LineEvents) {
    this.#geometry = geometry;
    this.#policy = policy;
    this.#slabs = slabs;
    this.#events = events;
    this.valid = new SectorMasks(policy.entriesMax, geometry.sectorsPerLine);
    this.dirty = new CountedMasks(policy.entriesMax, geometry.sectorsPerLine);
    this.probes = new FlagTable(policy.entriesMax);
    this.#slotOf = new LinkTable(policy.entriesMax);
    this.#pinsOfEntry = new CountTable(policy.entriesMax);
    this.#isAhead = new FlagTable(policy.entriesMax);
    this.#isWarmed = new FlagTable(policy.entriesMax);
    this.#ownerOf = new LinkTable(slabs.slotsMax);
    this.#pinsOfSlot = new CountTable(slabs.slotsMax);
    this.#loansOfSlot = new CountTable(slabs.slotsMax);
  }

  /** Bytes held by tables, the policy's included, payload excluded. */
  get tableBytes(): number {
    const bySlot = this.#ownerOf.byteLength + this.#pinsOfSlot.byteLength + this.#loansOfSlot.byteLength;
    const flags = this.#isAhead.byteLength + this.#isWarmed.byteLength + this.probes.byteLength;
    const byEntry = this.#slotOf.byteLength + this.#pinsOfEntry.byteLength + flags;
    return bySlot + byEntry + this.valid.byteLength + this.dirty.byteLength + this.#policy.byteLength;
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
  find(line: Line): Entry {
    return this.#policy.find(line) as Entry;
  }

  lineOf(entry: Entry): Line {
    return this.#policy.keyOf(entry) as Line;
  }

  /** Counts a use. */
  touch(entry: Entry): void {
    if (this.#isAhead.has(entry)) this.#settleAhead(entry, true);
    const wasParked = this.#policy.isParked(entry);
    this.#policy.touch(entry);
    if (wasParked) this.#keepToCapacity(entry);
  }

  /** The line was brought in before a request asked for it. */
  markAhead(entry: Entry, byWarmUp: boolean): void {
    this.#isAhead.add(entry);
    if (byWarmUp) this.#isWarmed.add(entry);
    else this.#isWarmed.remove(entry);
  }

  /** Whether no request has asked for the line yet. */
  isAhead(entry: Entry): boolean {
    return this.#isAhead.has(entry);
  }

  /** Whether a warm-up brought the line in. */
  isWarmed(entry: Entry): boolean {
    return this.#isWarmed.has(entry);
  }

  /** How much the line deserves its place, 0 to `HEAT_MAX`. */
  heatOf(entry: Entry): number {
    return this.#policy.heatOf(entry);
  }

  /** Whether a line can be made resident without another one having to leave for it. */
  get hasRoom(): boolean {
    return this.#policy.resident < this.#policy.capacity && this.#slabs.hasFree;
  }

  isParked(entry: Entry): boolean {
    return this.#policy.isParked(entry);
  }

  /** Entries are below it. It may grow. */
  get entriesMax(): number {
    return this.#slotOf.length;
  }

  /** Whether the entry is that of a line. */
  isResident(entry: Entry): boolean {
    return this.#slotOf.get(entry) !== NO_SLOT;
  }

  /** Calls `visit` for every line; it must not make or drop any. */
  forEach(visit: (entry: Entry, line: Line) => void): void {
    this.#policy.entries((entry, key) => visit(entry as Entry, key as Line));
  }

  /**
   * Makes an absent line resident, with no valid sector. -1 if there is no memory for it now. `heat`: of a line that an earlier
   * cache held.
   */
  admit(line: Line, quiet: boolean, heat = 0): Entry {
    const slot = this.#takeSlot();
    if (slot === NO_SLOT) return NO_ENTRY;
    const entry = this.#policy.insert(line, quiet, heat) as Entry;
    invariant(this.#slotOf.get(entry) === NO_SLOT, 'the policy must name a new line by an entry that no line has');
    invariant(this.lineOf(entry) === line, 'the policy must know the line of an entry');
    this.#own(entry, slot);
    this.valid.clearAll(entry);
    this.probes.remove(entry);
    this.#isWarmed.remove(entry);
    this.#keepToCapacity(entry);
    return entry;
  }

  /** Moves a line to another slot, so that what is in use stays as it is. False if there is no memory for that now. */
  relocate(entry: Entry): boolean {
    this.#policy.pin(entry);
    const slot = this.#takeSlot();
    this.#policy.unpin(entry);
    if (slot === NO_SLOT) return false;
    this.#moveTo(entry, slot);
    return true;
  }

  /** Drops a line that no call of the base is about, and that holds nothing which the base does not have. */
  drop(entry: Entry, ghost: boolean): void {
    invariant(!this.dirty.any(entry), 'a dirty line must not be dropped');
    if (this.#isAhead.has(entry)) this.#settleAhead(entry, false);
    const slot = this.#slotOf.get(entry);
    this.#leaveToLoans(entry, slot);
    invariant(this.#pinsOfEntry.get(entry) === 0, 'a pinned line must not be dropped');
    this.#slotOf.set(entry, NO_SLOT);
    this.#ownerOf.set(slot, NO_ENTRY);
    this.#policy.forget(entry, ghost);
    this.#releaseIfUnused(slot);
  }

  /** The slot that holds the line now. */
  slotOf(entry: Entry): Slot {
    return this.#slotOf.get(entry);
  }

  /** Keeps the line resident, and its present slot, which is returned, as it is for a call of the base. */
  pin(entry: Entry): Slot {
    const slot = this.#slotOf.get(entry);
    this.#pinsOfSlot.increment(slot);
    this.#pinsOfEntry.increment(entry);
    this.#policy.pin(entry);
    return slot;
  }

  /** Ends a pin. A line that could not leave because of it leaves now: one that is empty, or was parked and is clean. */
  unpin(entry: Entry, slot: Slot): void {
    this.#pinsOfSlot.decrement(slot);
    this.#pinsOfEntry.decrement(entry);
    this.#policy.unpin(entry);
    this.#releaseIfUnused(slot);
    this.leaveIfDone(entry);
  }

  /** Lends the line's slot, which is returned, to a caller. The line stays resident as long as it stays in that slot. */
  lend(entry: Entry): Slot {
    const slot = this.pin(entry);
    this.#loansOfSlot.increment(slot);
    return slot;
  }

  /** Ends a loan. */
  takeBack(slot: Slot): void {
    this.#loansOfSlot.decrement(slot);
    const entry = this.#ownerOf.get(slot);
    if (entry !== NO_ENTRY) {
      this.unpin(entry, slot);
    } else {
      this.#pinsOfSlot.decrement(slot);
      this.#releaseIfUnused(slot);
    }
  }

  /** Whether the line's present slot is lent to a caller. */
  isLent(entry: Entry): boolean {
    return this.#loansOfSlot.get(this.#slotOf.get(entry)) > 0;
  }

  /** Whether its slot is lent, or a call of the base is about this line, in its present slot or in one that it has left. */
  hasPins(entry: Entry): boolean {
    return this.#pinsOfEntry.get(entry) > 0;
  }

  /** Whether the line's present slot is lent, or a call of the base is about it. */
  isPinned(entry: Entry): boolean {
    return this.#pinsOfSlot.get(this.#slotOf.get(entry)) > 0;
  }

  /** Drops a line that has no reason to stay: it holds nothing, or it was parked until clean and is. */
  leaveIfDone(entry: Entry): void {
    if (this.hasPins(entry)) return;
    if (!this.valid.any(entry)) this.drop(entry, false);
    else if (this.#policy.isParked(entry) && !this.dirty.any(entry)) this.drop(entry, true);
  }

  /** A view of sectors `from` to `to` of a slot. */
  view(slot: Slot, from: number, to: number): Uint8Array {
    const { sectorSize } = this.#geometry;
    return this.#slabs.view(slot, from * sectorSize, to * sectorSize);
  }

  /** Copies sectors of a line into a list, from byte `at` of the list on. */
  copyOut(entry: Entry, from: number, to: number, list: BufferList, at: number): void {
    const bytes = this.view(this.#slotOf.get(entry), from, to);
    touchPages(bytes);
    list.fillFrom(bytes, at);
  }

  /** Fills sectors of a line from a list, from byte `at` of the list on. Marks nothing. */
  copyIn(entry: Entry, from: number, to: number, list: BufferList, at: number): void {
    list.copyTo(this.view(this.#slotOf.get(entry), from, to), at);
  }

  /** Changes the memory to `slotsMax` slots and the policy's aim to `capacity`. Lines leave and move in `settle`. */
  setLimits(slotsMax: number, capacity: number): void {
    this.#slabs.setSlotsMax(slotsMax, (slot) => this.#loansOfSlot.get(slot) > 0);
    if (this.#slabs.slotsMax > this.#ownerOf.length) this.#growSlots(this.#slabs.slotsMax);
    this.#policy.setCapacity(capacity, slotsMax - capacity);
    if (this.#policy.entriesMax > this.#slotOf.length) this.#growEntries(this.#policy.entriesMax);
    this.#keepToCapacity(NO_ENTRY);
  }

  /** Goes on with a shrink: whether all memory past the limit was given back, but for what is lent. */
  settle(): boolean {
    if (!this.#slabs.hasSurplus) return true;
    let isSettled = true;
    for (const slot of this.#slabs.surplusSlots()) {
      const entry = this.#ownerOf.get(slot);
      if (this.#pinsOfSlot.get(slot) > this.#loansOfSlot.get(slot)) isSettled = false;
      else if (entry !== NO_ENTRY && !this.#leaveSurplus(entry)) return false;
    }
    this.#keepToCapacity(NO_ENTRY);
    return isSettled;
  }

  /** Gives everything back at once, whatever is in use. */
  clear(): void {
    this.#slabs.clear();
  }

  #settleAhead(entry: Entry, wasUsed: boolean): void {
    this.#isAhead.remove(entry);
    this.#events.aheadSettled(this.lineOf(entry), wasUsed, this.#isWarmed.has(entry));
  }

  #leaveSurplus(entry: Entry): boolean {
    const slot = this.#slabs.take();
    if (slot !== NO_SLOT) {
      this.#moveTo(entry, slot);
      return true;
    }
    // What is not written yet, or is pinned in an earlier slot, has to move; for all else it is simpler to leave.
    const isCalledFor = this.#pinsOfEntry.get(entry) > this.#loansOfSlot.get(this.#slotOf.get(entry));
    if (this.dirty.any(entry) || isCalledFor) return this.#evictOne() && this.#leaveSurplus(entry);
    this.drop(entry, false);
    return true;
  }

  #takeSlot(): Slot {
    const slot = this.#slabs.take();
    if (slot !== NO_SLOT) return slot;
    while (this.#evictOne()) {
      const freed = this.#slabs.take();
      if (freed !== NO_SLOT) return freed;
    }
    return NO_SLOT;
  }

  /** Lets the policy's choices leave until one of them has left. False if nothing can leave now. */
  #evictOne(): boolean {
    for (;;) {
      const entry = this.#policy.victim() as Entry;
      if (entry === NO_ENTRY) return false;
      if (this.#leave(entry)) return true;
    }
  }

  /** Restores the room that parked lines are meant to have. `newcomer` stays. */
  #keepToCapacity(newcomer: Entry): void {
    if (newcomer !== NO_ENTRY) this.#policy.pin(newcomer);
    while (this.#policy.resident > this.#policy.capacity) {
      const entry = this.#policy.victim() as Entry;
      if (entry === NO_ENTRY) break;
      this.#leave(entry);
    }
    if (newcomer !== NO_ENTRY) this.#policy.unpin(newcomer);
  }

  /** The end of a line that `victim` chose: gone if clean, parked if dirty. */
  #leave(entry: Entry): boolean {
    invariant(this.#slotOf.get(entry) !== NO_SLOT, 'the policy must choose a line that there is');
    invariant(!this.hasPins(entry), 'the policy must not choose a pinned line');
    if (this.dirty.any(entry)) {
      this.#policy.park(entry);
      this.#events.parked(entry);
      return false;
    }
    this.drop(entry, true);
    return true;
  }

  #own(entry: Entry, slot: Slot): void {
    invariant(this.#ownerOf.get(slot) === NO_ENTRY, 'a slot must hold one line at a time');
    this.#slotOf.set(entry, slot);
    this.#ownerOf.set(slot, entry);
  }

  #moveTo(entry: Entry, slot: Slot): void {
    const old = this.#slotOf.get(entry);
    const { sectorsPerLine } = this.#geometry;
    this.view(slot, 0, sectorsPerLine).set(this.view(old, 0, sectorsPerLine));
    this.#leaveToLoans(entry, old);
    this.#ownerOf.set(old, NO_ENTRY);
    this.#own(entry, slot);
    this.#releaseIfUnused(old);
  }

  /** The line leaves its slot: what is lent is the slot alone from now on. */
  #leaveToLoans(entry: Entry, slot: Slot): void {
    for (let loans = this.#loansOfSlot.get(slot); loans > 0; loans--) {
      this.#pinsOfEntry.decrement(entry);
      this.#policy.unpin(entry);
    }
  }

  #releaseIfUnused(slot: Slot): void {
    if (this.#ownerOf.get(slot) === NO_ENTRY && this.#pinsOfSlot.get(slot) === 0) this.#slabs.release(slot);
  }

  #growEntries(entriesMax: number): void {
    const flags = [this.#isAhead, this.#isWarmed, this.probes];
    for (const table of [this.#slotOf, this.#pinsOfEntry, ...flags, this.valid, this.dirty]) table.grow(entriesMax);
    this.#events.entriesGrew(entriesMax);
  }

  #growSlots(slotsMax: number): void {
    for (const table of [this.#ownerOf, this.#pinsOfSlot, this.#loansOfSlot]) table.grow(slotsMax);
  }
}
