import { type MaybePromise, systemClock } from '@blockyard/block';
import { yielderOf } from '@blockyard/block/async';
import type { Sealer, Sealing } from '../format/sealing.js';
import { encodeHead, encodeTail, identityOfData, type SegmentIndex } from '../format/segment.js';
import type { Segment } from './segment.js';

/** A byte that is encrypted takes about as long as so many that are copied. */
const ENCRYPTION_COPIES = 8;

const yielder = yielderOf(systemClock);

/** A segment as an object. */
export interface SealedSegment {
  readonly body: Uint8Array;
  /** When `body` is whole. Undefined: it is. */
  readonly ready: Promise<void> | undefined;
  readonly index: SegmentIndex;
}

/**
 * The object that a segment becomes: its own memory where there is room for the tail and nothing is encrypted, else a copy.
 * The segment must not change from now on.
 *
 * Encrypting some MiB takes tens of milliseconds, in which the event loop gets its turn.
 */
export function sealSegment(segment: Segment, volumeId: string, sealing: Sealing, sealedMs: number): SealedSegment {
  const { name, sectorSize, bodyBytes } = segment;
  const identity = identityOfData(volumeId, name);
  const sealer = sealing.sealerOf(identity);
  const index = segment.index();
  const tail = encodeTail(index, segment.slots, identity, sealer);
  const isInPlace = !sealer.isEncrypting && bodyBytes + tail.byteLength <= segment.buffer.byteLength;
  const body = isInPlace ? segment.buffer.subarray(0, bodyBytes + tail.byteLength) : copyOf(segment, tail.byteLength);
  body.set(encodeHead({ volumeId, object: name.object, epoch: name.epoch, sectorSize, sealedMs }));
  body.set(tail, bodyBytes);
  return { body, ready: sealSlots(segment, body, sealer) ?? undefined, index };
}

function sealSlots(segment: Segment, body: Uint8Array, sealer: Sealer, from = 0): MaybePromise<void> {
  const { buffer, sectorsBySlot, sectorSize } = segment;
  for (let slot = from; slot < sectorsBySlot.length; slot++) {
    const sector = sectorsBySlot[slot] ?? -1;
    const data = viewOf(body, buffer, segment.sectorAt(slot));
    const trailer = viewOf(body, buffer, segment.trailerAt(slot));
    // What is in a slot that became free again is no one's, and does not leave this process.
    if (sector < 0) data.fill(0);
    sealer.seal(slot, Math.max(sector, 0), data, trailer);
    const pause = sealer.isEncrypting ? yielder.spend(sectorSize * ENCRYPTION_COPIES) : undefined;
    if (pause !== undefined) return pause.then(() => sealSlots(segment, body, sealer, slot + 1));
  }
}

function copyOf(segment: Segment, tailBytes: number): Uint8Array {
  const body = new Uint8Array(segment.bodyBytes + tailBytes);
  body.set(segment.buffer.subarray(0, segment.bodyBytes));
  return body;
}

/** The same bytes of the body as `view` is of the segment's memory. */
function viewOf(body: Uint8Array, buffer: Uint8Array, view: Uint8Array): Uint8Array {
  if (body.buffer === buffer.buffer) return view;
  const offset = view.byteOffset - buffer.byteOffset;
  return body.subarray(offset, offset + view.byteLength);
}
