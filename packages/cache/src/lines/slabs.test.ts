import { expect, test } from 'vitest';
import { plain } from '../testing/plain.js';
import { Slabs } from './slabs.js';

const SLOT = 16;

function takeAll(slabs: Pick<Slabs, 'take'>): number[] {
  const slots: number[] = [];
  for (let slot = slabs.take(); slot >= 0; slot = slabs.take()) slots.push(slot);
  return slots;
}

test('a budget is divided into some thirty slabs, and no slab is larger than 16 MiB', () => {
  expect([plain(new Slabs(SLOT, 64)).slotsPerSlab, plain(new Slabs(SLOT, 64)).slotsMax]).toEqual([2, 64]);
  expect([plain(new Slabs(SLOT, 65)).slotsPerSlab, plain(new Slabs(SLOT, 65)).slotsMax]).toEqual([2, 64]);
  expect(plain(new Slabs(SLOT, 5))).toMatchObject({ slotsPerSlab: 1, slotsMax: 5 });
  const mebibyte = 2 ** 20;
  expect(plain(new Slabs(mebibyte, 10_000)).slotsPerSlab).toBe(16);
});

test('each slot is handed out once, the lowest first, and memory is allocated when it is needed', () => {
  const slabs = plain(new Slabs(SLOT, 128));
  expect([slabs.slotsPerSlab, slabs.byteLength]).toEqual([4, 0]);
  expect([0, 1, 2, 3].map(() => slabs.take())).toEqual([0, 1, 2, 3]);
  expect(slabs.byteLength).toBe(4 * SLOT);
  expect(slabs.take()).toBe(4);
  expect(slabs.byteLength).toBe(8 * SLOT);
  slabs.release(2);
  expect(slabs.byteLength).toBe(8 * SLOT);
  expect(slabs.take()).toBe(2);
  expect(takeAll(slabs)).toEqual(Array.from({ length: 123 }, (_, i) => i + 5));
  expect([slabs.byteLength, slabs.take()]).toEqual([128 * SLOT, -1]);
});

test('slots share no bytes, and a part of one is a view', () => {
  const slabs = plain(new Slabs(SLOT, 128));
  const slots = Array.from({ length: 9 }, () => slabs.take());
  for (const slot of slots) slabs.view(slot, 0, SLOT).fill(slot + 1);
  for (const slot of slots) expect([...slabs.view(slot, 0, SLOT)]).toEqual(Array(SLOT).fill(slot + 1));
  slabs.view(5, 3, 7).fill(0);
  expect([...slabs.view(5, 2, 8)]).toEqual([6, 0, 0, 0, 0, 6]);
  expect([...slabs.view(6, 0, SLOT)]).toEqual(Array(SLOT).fill(7));
});

test('a slot that was never handed out has no bytes to look at', () => {
  expect(() => plain(new Slabs(SLOT, 128)).view(0, 0, 1)).toThrow('allocated slab');
});

test('fewer slots give memory back at once where nothing is used, and otherwise with the last release', () => {
  const slabs = plain(new Slabs(SLOT, 128));
  for (let i = 0; i < 20; i++) slabs.take();
  for (const slot of [4, 5, 6, 7, 12, 13, 14, 15, 16, 17]) slabs.release(slot);
  slabs.setSlotsMax(4);
  // Of five slabs the second and the fourth are unused.
  expect([slabs.slotsMax, slabs.hasSurplus, slabs.byteLength]).toEqual([4, true, 3 * 4 * SLOT]);
  expect(slabs.surplusSlots()).toEqual([8, 9, 10, 11, 18, 19]);
  expect(slabs.take()).toBe(-1);
  slabs.release(18);
  expect(slabs.byteLength).toBe(3 * 4 * SLOT);
  slabs.release(19);
  expect(slabs.byteLength).toBe(2 * 4 * SLOT);
  for (const slot of [8, 9, 10]) slabs.release(slot);
  expect(slabs.hasSurplus).toBe(true);
  slabs.release(11);
  expect([slabs.hasSurplus, slabs.byteLength]).toEqual([false, 4 * SLOT]);
  slabs.release(1);
  expect([slabs.take(), slabs.take()]).toEqual([1, -1]);
});

test('more slots are handed out after those that there were', () => {
  const slabs = plain(new Slabs(SLOT, 64));
  takeAll(slabs);
  slabs.release(10);
  slabs.setSlotsMax(71);
  expect(slabs.slotsMax).toBe(70);
  expect(takeAll(slabs)).toEqual([10, 64, 65, 66, 67, 68, 69]);
});

test('at least one slab stays', () => {
  const slabs = plain(new Slabs(SLOT, 64));
  slabs.setSlotsMax(0);
  expect([slabs.slotsMax, slabs.take(), slabs.take(), slabs.take()]).toEqual([2, 0, 1, -1]);
});

test('a slab that was given back is allocated again when there is room for it again', () => {
  const slabs = plain(new Slabs(SLOT, 128));
  const slots = Array.from({ length: 12 }, () => slabs.take());
  slabs.setSlotsMax(4);
  for (const slot of slots.slice(4, 8)) slabs.release(slot);
  slabs.setSlotsMax(12);
  expect([slabs.hasSurplus, slabs.byteLength]).toEqual([false, 2 * 4 * SLOT]);
  expect(takeAll(slabs)).toEqual([4, 5, 6, 7]);
});

test('of slabs that are past the limit those go of which much is lent, and empty places take theirs', () => {
  // Slabs of sixteen slots, of which two may be lent before it is much.
  const slabs = plain(new Slabs(SLOT, 512));
  for (let i = 0; i < 4 * 16; i++) slabs.take();
  const lent = new Set([0, 1, 2, 16, 17, 32, 48, 49, 50, 51]);
  slabs.setSlotsMax(32, (slot) => lent.has(slot));
  expect([slabs.slotsMax, slabs.take()]).toEqual([32, -1]);
  expect(new Set(slabs.surplusSlots().map((slot) => slot >> 4))).toEqual(new Set([0, 3]));
  // A larger limit takes back first what is least lent, before a place that is empty.
  slabs.setSlotsMax(48, (slot) => lent.has(slot));
  expect(new Set(slabs.surplusSlots().map((slot) => slot >> 4))).toEqual(new Set([3]));
  const few = plain(new Slabs(SLOT, 512));
  for (let i = 0; i < 2 * 16; i++) few.take();
  few.setSlotsMax(32, (slot) => slot % 4 === 0);
  expect(few.surplusSlots()).toHaveLength(32);
  expect(takeAll(few)).toHaveLength(32);
  expect([few.byteLength, few.slotsMax]).toEqual([64 * SLOT, 32]);
  for (let slot = 0; slot < 32; slot++) few.release(slot);
  expect([few.byteLength, few.hasSurplus, few.surplusSlots()]).toEqual([32 * SLOT, false, []]);
});

test('in the end everything goes at once, whatever is in use', () => {
  const slabs = plain(new Slabs(SLOT, 64));
  slabs.take();
  slabs.clear();
  expect([slabs.byteLength, slabs.slotsMax, slabs.take(), slabs.hasSurplus]).toEqual([0, 0, -1, false]);
});

test('it tells whether a slot is free, also when the limit has changed', () => {
  const slabs = plain(new Slabs(SLOT, 64));
  expect(slabs.hasFree).toBe(true);
  const slots = takeAll(slabs);
  expect(slabs.hasFree).toBe(false);
  slabs.setSlotsMax(128);
  expect(slabs.hasFree).toBe(true);
  slabs.setSlotsMax(32);
  expect(slabs.hasFree).toBe(false);
  for (const slot of slots.slice(0, 32)) slabs.release(slot);
  expect(slabs.hasFree).toBe(takeAll(slabs).length > 0);
  slabs.clear();
  expect(slabs.hasFree).toBe(false);
});

test('a slot that is not taken cannot be released, and a view does not leave its slot', () => {
  const slabs = plain(new Slabs(SLOT, 64));
  const slot = slabs.take();
  for (const [from, to] of [
    [-1, 4],
    [0, SLOT + 1],
  ] as const)
    expect(() => slabs.view(slot, from, to)).toThrow('a view must lie in its slot');
  expect(slabs.view(slot, 0, SLOT).byteLength).toBe(SLOT);
  slabs.release(slot);
  expect(() => slabs.release(slot)).toThrow('a slot must be taken to be released');
});

test('where nothing is lent an empty place is kept after all that hold something, and the first are', () => {
  const slabs = plain(new Slabs(SLOT, 128));
  const slots = Array.from({ length: 16 }, () => slabs.take());
  // The first of four slabs of four goes: it is lent.
  slabs.setSlotsMax(12, (slot) => slot < 4);
  for (const slot of slots.slice(0, 4)) slabs.release(slot);
  expect(slabs.byteLength).toBe(3 * 4 * SLOT);
  slabs.setSlotsMax(8);
  expect(slabs.surplusSlots()).toEqual([12, 13, 14, 15]);
});
