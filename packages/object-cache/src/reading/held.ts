import type { ByteRange, ObjectVersion } from '@blockyard/object-store';

/** Bytes of an object. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What the medium has of a range that was asked for. */
export interface Held {
  readonly version: ObjectVersion;
  /** What lies before the bytes that are missing; all, if none are. In order, without gaps. */
  readonly before: readonly Piece[];
  /** One range from the first byte that is missing to the last, or undefined. */
  readonly missing: ByteRange | undefined;
  readonly after: readonly Piece[];
}

/** Puts together what was read. Undefined if nothing of use was. */
export function holdTogether(
  version: ObjectVersion,
  { offset, lengthBytes }: ByteRange,
  pieces: readonly Piece[],
): Held | undefined {
  const end = Math.min(version.sizeBytes, offset + lengthBytes);
  const before = contiguousFrom(offset, end, pieces);
  const missingStart = endOf(before, offset);
  if (missingStart >= end) return { version, before, missing: undefined, after: [] };
  const after = contiguousTo(missingStart, end, pieces);
  const missingEnd = after[0]?.offset ?? end;
  if (before.length === 0 && after.length === 0) return undefined;
  return { version, before, missing: { offset: missingStart, lengthBytes: missingEnd - missingStart }, after };
}

/** The pieces that follow one another from `offset` on, without what they have in common. */
function contiguousFrom(offset: number, end: number, pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  let at = offset;
  for (const piece of [...pieces].sort((a, b) => a.offset - b.offset)) {
    if (piece.offset > at || at >= end) break;
    const taken = slice(piece, at, end);
    if (taken === undefined) continue;
    found.push(taken);
    at = endOf([taken], at);
  }
  return found;
}

/** The same from the end backwards. */
function contiguousTo(start: number, end: number, pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  let at = end;
  for (const piece of [...pieces].sort((a, b) => endOf([b], 0) - endOf([a], 0))) {
    if (endOf([piece], 0) < at || at <= start) break;
    const taken = slice(piece, start, at);
    if (taken === undefined) continue;
    found.unshift(taken);
    at = taken.offset;
  }
  return found;
}

function slice({ offset, bytes }: Piece, start: number, end: number): Piece | undefined {
  const from = Math.max(start, offset);
  const to = Math.min(end, offset + bytes.byteLength);
  return from < to ? { offset: from, bytes: bytes.subarray(from - offset, to - offset) } : undefined;
}

function endOf(pieces: readonly Piece[], otherwise: number): number {
  const last = pieces.at(-1);
  return last === undefined ? otherwise : last.offset + last.bytes.byteLength;
}
