import { expect, test } from 'vitest';
import { LruPolicy } from '../eviction/policy-lru.js';
import { plain } from '../testing/plain.js';
import { BufferList } from './buffer-list.js';
import { Geometry } from './geometry.js';
import { Lines } from './lines.js';
import { Slabs } from './slabs.js';

const SECTOR = 512;
const LINE_SECTORS = 4;

/** Lines of four sectors, and everything that they tell. Least recently used leaves first. */
function linesOf(slotsMax: number, maxParked = 1) {
  const ghosts: boolean[] = [];
  const policy = new (class extends LruPolicy {
    override forget(entry: number, ghost: boolean): void {
      ghosts.push(ghost);
      super.forget(entry, ghost);
    }
  })({ capacity: slotsMax - maxParked, maxParked, seed: 1 });
  const slabs = new Slabs(LINE_SECTORS * SECTOR, slotsMax);
  const told: string[] = [];
  const real: Lines = new Lines(new Geometry(SECTOR, LINE_SECTORS * SECTOR, SECTOR), policy, slabs, {
    parked: (entry) => told.push(`parked ${real.lineOf(entry)}`),
    aheadSettled: (line, wasUsed) => told.push(`${line} ${wasUsed ? 'used' : 'unused'}`),
    entriesGrew: (entriesMax) => told.push(`grew to ${entriesMax}`),
  });
  const lines = plain(real);
  /** Makes a line resident, all of it valid and of one byte. */
  const add = (line: number, byte = line) => {
    const entry = lines.admit(line, false);
    if (entry < 0) return entry;
    lines.view(lines.slotOf(entry), 0, LINE_SECTORS).fill(byte);
    lines.valid.set(entry, 0, LINE_SECTORS);
    return entry;
  };
  const known = () => {
    const found: number[] = [];
    lines.forEach((_, line) => {
      found.push(line);
    });
    return found.sort((a, b) => a - b);
  };
  return { lines, policy, slabs: plain(slabs), told, ghosts, add, known };
}

function byteOf(lines: ReturnType<typeof linesOf>['lines'], entry: number): number | undefined {
  return lines.view(lines.slotOf(entry), 0, 1)[0];
}

test('a new line holds nothing, whatever its entry and its memory held before', () => {
  const { lines, add } = linesOf(4);
  const old = add(1);
  lines.drop(old, false);
  const entry = lines.admit(2, false);
  expect(entry).toBe(old);
  expect([lines.valid.any(entry), lines.dirty.any(entry), lines.hasPins(entry), lines.isPinned(entry)]).toEqual(
    Array(4).fill(false),
  );
  expect([lines.find(1), lines.find(2), lines.lineOf(entry), lines.count]).toEqual([-1, entry, 2, 1]);
});

test('room is kept for parked lines: a clean line leaves as soon as there are more than the rest can hold', () => {
  const { lines, add, known, told } = linesOf(4, 1);
  for (const line of [1, 2, 3]) add(line);
  lines.touch(lines.find(1));
  add(4);
  expect(known()).toEqual([1, 3, 4]);
  expect(told).toEqual([]);
});

test('a dirty line that is to leave is parked, found, and back when it is used', () => {
  const { lines, add, known, told } = linesOf(4, 1);
  for (const line of [1, 2, 3]) lines.dirty.set(add(line), 0, 1);
  add(4);
  expect([told, known(), lines.parked, lines.count]).toEqual([['parked 1'], [1, 2, 3, 4], 1, 4]);
  expect(lines.isParked(lines.find(1))).toBe(true);
  lines.touch(lines.find(1));
  expect([told, lines.parked, lines.isParked(lines.find(1))]).toEqual([['parked 1', 'parked 2'], 1, false]);
});

test('there is no memory for a line when all that could leave is dirty', () => {
  const { lines, add, told } = linesOf(4, 1);
  for (const line of [1, 2, 3, 4]) lines.dirty.set(add(line), 0, 1);
  expect(add(5)).toBe(-1);
  expect([lines.find(5), lines.count, lines.parked]).toEqual([-1, 4, 4]);
  expect(told).toEqual(['parked 1', 'parked 2', 'parked 3', 'parked 4']);
  lines.dirty.clearAll(lines.find(2));
  lines.leaveIfDone(lines.find(2));
  expect(add(5)).toBeGreaterThan(0);
});

test('a parked line leaves when it is clean, an empty one at once, any other stays', () => {
  const { lines, add, known } = linesOf(4, 1);
  for (const line of [1, 2, 3]) lines.dirty.set(add(line), 0, 1);
  add(4);
  lines.leaveIfDone(lines.find(1));
  lines.leaveIfDone(lines.find(4));
  expect(known()).toEqual([1, 2, 3, 4]);
  lines.dirty.clearAll(lines.find(1));
  lines.dirty.clearAll(lines.find(2));
  lines.leaveIfDone(lines.find(1));
  lines.leaveIfDone(lines.find(2));
  expect(known()).toEqual([2, 3, 4]);
  lines.dirty.clearAll(lines.find(3));
  lines.valid.clearAll(lines.find(3));
  lines.leaveIfDone(lines.find(3));
  expect(known()).toEqual([2, 4]);
});

test('a pinned line does not leave, and leaves with the last pin if it is empty', () => {
  const { lines, add, known } = linesOf(4, 1);
  const entry = add(1);
  const slot = lines.pin(entry);
  lines.pin(entry);
  for (const line of [2, 3, 4, 5, 6]) add(line);
  expect(known()).toEqual([1, 5, 6]);
  lines.valid.clearAll(entry);
  lines.leaveIfDone(entry);
  lines.unpin(entry, slot);
  expect([lines.find(1), lines.hasPins(entry), lines.isPinned(entry)]).toEqual([entry, true, true]);
  lines.unpin(entry, slot);
  expect(known()).toEqual([5, 6]);
});

test('a line that moves takes its bytes along, and what was pinned stays as it is until it is unpinned', () => {
  const { lines, add, slabs } = linesOf(4, 1);
  const entry = add(1, 7);
  const pinned = lines.pin(entry);
  expect([lines.relocate(entry), byteOf(lines, entry)]).toEqual([true, 7]);
  expect([lines.slotOf(entry) === pinned, lines.isPinned(entry), lines.hasPins(entry)]).toEqual([false, false, true]);
  lines.view(lines.slotOf(entry), 0, LINE_SECTORS).fill(9);
  expect([...lines.view(pinned, LINE_SECTORS - 1, LINE_SECTORS)]).toEqual(Array(SECTOR).fill(7));
  const others = [slabs.take(), slabs.take(), slabs.take()];
  expect(others).not.toContain(pinned);
  expect(others.at(-1)).toBe(-1);
  lines.unpin(entry, pinned);
  expect([slabs.take(), lines.hasPins(entry), byteOf(lines, entry)]).toEqual([pinned, false, 9]);
});

test('a line that is not pinned frees its slot when it moves', () => {
  const { lines, add, slabs } = linesOf(4, 1);
  const entry = add(1, 7);
  const old = lines.slotOf(entry);
  lines.relocate(entry);
  expect(slabs.take()).toBe(old);
});

test('a line cannot move where there is no memory, and does not leave to make room for itself', () => {
  const { lines, add, slabs } = linesOf(4, 1);
  const entry = add(1, 7);
  while (slabs.take() >= 0);
  expect([lines.relocate(entry), lines.find(1), byteOf(lines, entry)]).toEqual([false, entry, 7]);
  add(2);
  expect(lines.find(1)).toBe(-1);
});

test('whether a line that was read ahead was used is told once', () => {
  const { lines, add, told } = linesOf(4, 1);
  for (const line of [1, 2, 3]) lines.markAhead(add(line), false);
  lines.touch(lines.find(1));
  lines.touch(lines.find(1));
  add(4);
  add(5);
  expect(told).toEqual(['1 used', '2 unused', '3 unused']);
  add(6);
  expect(told).toHaveLength(3);
});

test('sectors are copied from and to a list', () => {
  const { lines, add } = linesOf(4, 1);
  const entry = add(1, 7);
  const target = new Uint8Array(3 * SECTOR);
  lines.copyOut(entry, 1, 3, new BufferList([target]), SECTOR);
  expect([target[SECTOR - 1], target[SECTOR], target[3 * SECTOR - 1]]).toEqual([0, 7, 7]);
  lines.copyIn(entry, 2, 3, new BufferList([new Uint8Array(2 * SECTOR).fill(5).fill(6, SECTOR)]), SECTOR);
  const sectors = Array.from({ length: LINE_SECTORS }, (_, i) => lines.view(lines.slotOf(entry), i, i + 1)[0]);
  expect(sectors).toEqual([7, 7, 6, 7]);
});

test('tables grow for more lines, are told, counted, and keep what they hold', () => {
  const { lines, policy, add, told, known } = linesOf(8, 1);
  const bytes = (slots: number) => Lines.bytesFor(policy.entriesMax, slots, LINE_SECTORS) + policy.byteLength;
  expect(lines.tableBytes).toBe(bytes(8));
  const entries = [1, 2, 3].map((line) => add(line));
  const [one = -1, two = -1] = entries;
  lines.dirty.set(one, 1, 3);
  lines.markAhead(two, false);
  const pinned = lines.pin(one);
  lines.setLimits(400, 380);
  expect([lines.slotsMax, policy.capacity]).toEqual([400, 380]);
  expect(told).toEqual([`grew to ${policy.entriesMax}`]);
  expect(lines.tableBytes).toBe(bytes(400));
  expect([1, 2, 3].map((line) => lines.find(line))).toEqual(entries);
  expect(entries.map((entry) => byteOf(lines, entry))).toEqual([1, 2, 3]);
  expect([lines.dirty.count(one, 0, LINE_SECTORS), lines.valid.count(two, 0, LINE_SECTORS)]).toEqual([2, LINE_SECTORS]);
  expect([lines.hasPins(one), lines.isPinned(one), lines.hasPins(two)]).toEqual([true, true, false]);
  lines.unpin(one, pinned);
  expect(lines.isPinned(one)).toBe(false);
  for (let line = 4; line < 380; line++) add(line);
  expect(known()).toHaveLength(379);
  lines.touch(two);
  expect(told.at(-1)).toBe('2 used');
});

test('with less memory clean lines leave or move, and all past the limit is given back', () => {
  const { lines, add, known } = linesOf(64, 4);
  for (let line = 0; line < 60; line++) add(line);
  lines.setLimits(8, 6);
  expect(lines.settle()).toBe(true);
  expect([lines.slotsMax, lines.payloadBytes]).toEqual([8, 8 * LINE_SECTORS * SECTOR]);
  const left = known();
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThanOrEqual(6);
  for (const line of left) expect(byteOf(lines, lines.find(line))).toBe(line);
});

test('dirty lines and pinned ones past the limit stay until they can go', () => {
  const { lines, add, known } = linesOf(64, 4);
  for (let line = 0; line < 60; line++) add(line);
  const [dirty, pinned] = [lines.find(50), lines.find(55)];
  lines.dirty.set(dirty, 0, 1);
  const slot = lines.pin(pinned);
  lines.setLimits(2, 1);
  expect(lines.settle()).toBe(false);
  expect(known()).toContain(55);
  lines.unpin(pinned, slot);
  expect(lines.settle()).toBe(true);
  expect(lines.payloadBytes).toBe(2 * LINE_SECTORS * SECTOR);
  expect(byteOf(lines, lines.find(50))).toBe(50);
});

test('a clean line past the limit whose earlier slot is pinned still moves: another leaves for it', () => {
  const { lines, add, known } = linesOf(64, 4);
  for (let line = 0; line < 60; line++) add(line);
  const moved = lines.find(3);
  const slot = lines.pin(moved);
  expect([lines.relocate(moved), lines.slotOf(moved) >= 8]).toEqual([true, true]);
  for (let line = 0; line < 8; line++) lines.touch(lines.find(line));
  lines.setLimits(8, 8);
  expect(lines.settle()).toBe(true);
  expect(known()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect([lines.slotOf(moved) < 8, byteOf(lines, moved)]).toEqual([true, 3]);
  lines.unpin(moved, slot);
  expect([lines.hasPins(moved), add(8) >= 0, byteOf(lines, lines.find(3))]).toEqual([false, true, 3]);
});

test('without a shrink there is nothing to settle', () => {
  const { lines, add, known } = linesOf(8, 1);
  add(1);
  expect([lines.settle(), known()]).toEqual([true, [1]]);
});

test('in the end all payload goes at once', () => {
  const { lines, add } = linesOf(8, 1);
  add(1);
  lines.clear();
  expect(lines.payloadBytes).toBe(0);
});

test('a line that leaves for lack of room is remembered by the policy, one that is dropped is not', () => {
  const { lines, add, ghosts } = linesOf(4, 1);
  for (const line of [1, 2, 3]) add(line);
  lines.dirty.set(lines.find(2), 0, 1);
  add(4);
  expect(ghosts).toEqual([true]);
  add(5);
  lines.dirty.clearAll(lines.find(2));
  lines.leaveIfDone(lines.find(2));
  expect(ghosts).toEqual([true, true]);
  lines.valid.clearAll(lines.find(4));
  lines.leaveIfDone(lines.find(4));
  lines.drop(lines.find(5), false);
  expect(ghosts).toEqual([true, true, false, false]);
});

test('a smaller memory keeps the slots of which nothing is lent', () => {
  const { lines, add } = linesOf(8);
  for (const line of [0, 1, 2, 3]) add(line);
  const slot = lines.lend(lines.find(0));
  lines.setLimits(4, 3);
  lines.settle();
  // The line leaves to its borrower the slot that is past the limit, for that of the line which had to leave.
  expect([0, 1, 2, 3].map((line) => lines.find(line) >= 0)).toEqual([true, false, true, true]);
  expect(lines.slotOf(lines.find(0))).not.toBe(slot);
  expect(lines.payloadBytes).toBe(4 * LINE_SECTORS * SECTOR);
  lines.takeBack(slot);
  expect(lines.payloadBytes).toBe(3 * LINE_SECTORS * SECTOR);
});
