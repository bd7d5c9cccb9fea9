/** A reply tells holes apart in steps of this, in bytes. */
const STEP_BYTES = 4096;
/** Shorter holes inside other data go as data: their chunks would cost the client more than the bytes. */
const HOLE_BYTES_MIN = 16_384;

const ZEROES = Buffer.alloc(STEP_BYTES);

/** A piece of what was read: from `start` to `end`, in bytes from its beginning. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly hole: boolean;
}

/**
 * The data in pieces, zeroes apart from the rest; `undefined` if it is all one piece of data.
 *
 * Looks at what was read instead of asking the device for extents before: that is right at the very moment, it works for devices
 * that know nothing of holes, and on data that does not begin with zeroes it costs one comparison in 4 KiB.
 */
export function zeroRuns(view: DataView, bytes: Buffer, at: number, lengthBytes: number): Piece[] | undefined {
  let pieces: Piece[] | undefined;
  let dataStart = 0;
  for (let start = 0; start < lengthBytes; ) {
    const end = zeroesFrom(view, bytes, at, start, lengthBytes);
    const isHole = end - start >= HOLE_BYTES_MIN || (start === 0 && end === lengthBytes);
    if (isHole) {
      pieces ??= [];
      if (start > dataStart) pieces.push({ start: dataStart, end: start, hole: false });
      pieces.push({ start, end, hole: true });
      dataStart = end;
    }
    start = Math.max(end, start + STEP_BYTES);
  }
  if (pieces === undefined) return undefined;
  if (dataStart < lengthBytes) pieces.push({ start: dataStart, end: lengthBytes, hole: false });
  return pieces;
}

/**
 * Whether `zeroRuns` might find a hole that lies in `bytes` alone. Looks at a byte in 16 KiB, which every hole has one of: memory
 * that no one has touched is slow to look at.
 */
export function mayHaveHole(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.byteLength; at += HOLE_BYTES_MIN) if (bytes[at] === 0) return true;
  return false;
}

/** Where the zeroes end that begin at `start`: in whole steps, or at the end of it all. */
function zeroesFrom(view: DataView, bytes: Buffer, at: number, start: number, lengthBytes: number): number {
  let end = start;
  while (end < lengthBytes) {
    // Most data is told by its first word.
    if (view.getUint32(at + end) !== 0) break;
    const step = Math.min(STEP_BYTES, lengthBytes - end);
    if (bytes.compare(ZEROES, 0, step, at + end, at + end + step) !== 0) break;
    end += step;
  }
  return end;
}
