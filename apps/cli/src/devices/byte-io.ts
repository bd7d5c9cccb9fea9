import type { BlockDevice } from '@blockyard/block';
import { type ByteRange, sizeBytesOf } from '../arguments/range.js';
import { Failure } from '../terminal/failure.js';

/** Bytes of one transfer, and how many are in flight. */
const PIECE_BYTES = 2 ** 20;
const IN_FLIGHT_MAX = 4;

/** The bytes of a range, in order, read ahead of their reader. */
export async function* readPieces(
  device: BlockDevice,
  { offsetBytes, lengthBytes }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const end = offsetBytes + lengthBytes;
  const inFlight: Promise<Uint8Array>[] = [];
  let at = offsetBytes;
  try {
    while (at < end || inFlight.length > 0) {
      signal.throwIfAborted();
      while (at < end && inFlight.length < IN_FLIGHT_MAX) {
        const next = Math.min(end, pieceEnd(at));
        inFlight.push(handled(readBytes(device, at, next)));
        at = next;
      }
      const piece = await inFlight.shift();
      if (piece !== undefined) yield piece;
    }
  } finally {
    await Promise.allSettled(inFlight);
  }
}

/**
 * Writes what comes from `source` to the range, as far as the one or the other goes, and flushes. What is in the sectors at both
 * ends, but not in the range, stays. Gives the bytes written.
 */
export async function writePieces(
  device: BlockDevice,
  source: AsyncIterable<Uint8Array>,
  { offsetBytes, lengthBytes }: ByteRange,
  signal: AbortSignal,
): Promise<number> {
  const end = offsetBytes + lengthBytes;
  const inFlight = new Set<Promise<void>>();
  // A write may fail while no one waits for it, but for the next input.
  const failures: unknown[] = [];
  const checkFailures = () => {
    if (failures.length > 0) throw failures[0];
  };
  let at = offsetBytes;
  try {
    for await (const bytes of resplit(source, offsetBytes)) {
      signal.throwIfAborted();
      const fitting = bytes.subarray(0, end - at);
      while (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
      checkFailures();
      const write = writeBytes(device, at, fitting)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => inFlight.delete(write));
      inFlight.add(write);
      at += fitting.byteLength;
      if (fitting.byteLength < bytes.byteLength) break;
    }
  } finally {
    await Promise.all(inFlight);
  }
  checkFailures();
  await device.flush();
  return at - offsetBytes;
}

/** The same bytes in pieces that end at multiples of the piece size, the first of them at `offsetBytes`. */
async function* resplit(source: AsyncIterable<Uint8Array>, offsetBytes: number): AsyncGenerator<Uint8Array> {
  let at = offsetBytes;
  let piece = new Uint8Array(pieceEnd(at) - at);
  let filled = 0;
  for await (const bytes of source) {
    for (let taken = 0; taken < bytes.byteLength; ) {
      const part = bytes.subarray(taken, taken + piece.byteLength - filled);
      piece.set(part, filled);
      filled += part.byteLength;
      taken += part.byteLength;
      if (filled < piece.byteLength) continue;
      yield piece;
      at += filled;
      piece = new Uint8Array(PIECE_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

async function readBytes(device: BlockDevice, start: number, end: number): Promise<Uint8Array> {
  const { sectorSize } = device.info;
  const skipped = start % sectorSize;
  const first = (start - skipped) / sectorSize;
  const buffer = new Uint8Array((Math.ceil(end / sectorSize) - first) * sectorSize);
  await device.read(first, [buffer]);
  return buffer.subarray(skipped, skipped + end - start);
}

/** Where the ends are not whole sectors, what else is in these is read and written back. */
async function writeBytes(device: BlockDevice, start: number, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength === 0) return;
  const { sectorSize } = device.info;
  const end = start + bytes.byteLength;
  const skipped = start % sectorSize;
  if (skipped === 0 && end % sectorSize === 0) return device.write(start / sectorSize, [bytes]);
  const first = start - skipped;
  const whole = await readBytes(device, first, Math.ceil(end / sectorSize) * sectorSize);
  whole.set(bytes, skipped);
  await device.write(first / sectorSize, [whole]);
}

function pieceEnd(at: number): number {
  return at - (at % PIECE_BYTES) + PIECE_BYTES;
}

/** The same promise, whose failure is not an unhandled one while no one waits for it yet. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Refuses an input that is known to be too long for its place. */
export function checkFits(device: BlockDevice, offsetBytes: number, inputBytes: number): void {
  const roomBytes = sizeBytesOf(device.info) - offsetBytes;
  if (inputBytes <= roomBytes) return;
  throw new Failure(
    `the input has ${inputBytes} bytes, but there is room for ${roomBytes}`,
    '--length takes less of it',
  );
}
