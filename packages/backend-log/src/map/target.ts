import type { ObjectId } from '../format/keys.js';

/**
 * Where a sector points to, in two words: the low one holds bits 0 to 31 of the object, the high one bits 32 to 39 above
 * the 24 bits of the slot. The target `slots` further on in the same object has `slots` added to the high word. Two zeroes
 * point nowhere.
 */
export const TARGET_WORDS = 2;

const SLOT_BITS = 24;
const SLOT_MASK = 2 ** SLOT_BITS - 1;

export function lowWordOf(object: ObjectId): number {
  return object >>> 0;
}

export function highWordOf(object: ObjectId, slot: number): number {
  return ((Math.floor(object / 2 ** 32) << SLOT_BITS) | slot) >>> 0;
}

export function objectOf(low: number, high: number): ObjectId {
  return (high >>> SLOT_BITS) * 2 ** 32 + low;
}

export function slotOf(high: number): number {
  return high & SLOT_MASK;
}

/** Whether `high` is `slots` behind `earlier` in the same object, where the low words are equal. */
export function continues(earlier: number, slots: number, high: number): boolean {
  return high === earlier + slots && high >>> SLOT_BITS === earlier >>> SLOT_BITS;
}
