import type { BlockDevice, Loan, SectorRange } from '@blockyard/block';
import { AssertionError } from '../assertions/assertion-error.js';
import { concatenate, firstDifference } from '../bases/bytes.js';
import type { Oracle } from './oracle.js';
import { writersOf } from './stamp.js';

/** Loans of one device that are held at once. */
const HELD_MAX = 3;

/** What a device had lent is not what it was [B4]. */
export class ChangedLoan extends AssertionError {}

interface Held {
  readonly loan: Loan;
  readonly range: SectorRange;
  /** As it was when it was lent. */
  readonly bytes: Uint8Array;
}

/** By device. What a device that has ended had lent is looked at no more, nor released. */
const heldOf = new WeakMap<BlockDevice, Held[]>();

/**
 * Borrows a range, if the device lends it, and holds what it lends against what a read might return now; gives back the loan
 * before the last few, which must not have changed in the meantime [B4].
 */
export function borrow(device: BlockDevice, oracle: Oracle, range: SectorRange): void {
  const held = heldOf.get(device) ?? [];
  heldOf.set(device, held);
  const loan = device.lend?.(range.start, range.count);
  if (loan !== undefined) {
    const bytes = concatenate(loan.views);
    held.push({ loan, range, bytes });
    oracle.beginRead(range.start, range.count).saw(writersOf(bytes, range.start, device.info.sectorSize));
  }
  if (held.length > (loan === undefined ? 0 : HELD_MAX)) giveBack(held.shift());
}

/** Loans of the device that are held. */
export function loansOf(device: BlockDevice): number {
  return heldOf.get(device)?.length ?? 0;
}

function giveBack(held: Held | undefined): void {
  if (held === undefined) return;
  const { loan, range, bytes } = held;
  const now = concatenate(loan.views);
  const changed = firstDifference(bytes, now);
  if (changed >= 0) {
    const sector = range.start + Math.floor((changed * range.count) / bytes.byteLength);
    throw new ChangedLoan({
      message: `what was lent of ${range.count} sectors from ${range.start} must not change, but sector ${sector} has`,
    });
  }
  loan.release();
}
