import type { BlockDevice } from '@blockyard/block';
import { dataHeaderBytes, holeBytes, type Mode, putDataHeader, putHole } from './replies.js';
import type { Request } from './request.js';

/** Shorter reads are answered with data without asking for holes: the question costs more than the bytes. */
const ASK_BYTES_MIN = 64 * 1024;
/** Shorter holes go as data: a chunk of its own costs the client more than the bytes. */
const HOLE_BYTES_MIN = 4096;

/** A piece of a reply: data, or a hole. */
interface Piece {
  readonly offsetBytes: number;
  lengthBytes: number;
  readonly hole: boolean;
}

/** Whether it is worth it to look for holes in this read. */
export function asksForHoles(device: BlockDevice, mode: Mode, lengthBytes: number): boolean {
  return mode !== 'simple' && lengthBytes >= ASK_BYTES_MIN && device.info.native.extents;
}

/**
 * Reads what is data into the request's memory, each run with its chunk header in front and the holes as chunks between them: the
 * whole reply side by side. Returns where it ends; `undefined`, with nothing done, if there is no hole worth a chunk.
 *
 * It fits: a hole is longer than its chunk and one more data header together.
 */
export async function readSparse(
  device: BlockDevice,
  request: Request,
  mode: Mode,
  bytes: Uint8Array,
  view: DataView,
): Promise<number | undefined> {
  const pieces = await piecesOf(device, request);
  if (!pieces.some(({ hole }) => hole)) return undefined;
  const last = pieces.length - 1;
  const { sectorSize } = device.info;
  const headerBytes = dataHeaderBytes(mode);
  const reads: Promise<void>[] = [];
  let at = request.at;
  for (const [index, { offsetBytes, lengthBytes, hole }] of pieces.entries()) {
    if (hole) {
      at = putHole(view, at, mode, request, offsetBytes, lengthBytes, index === last);
      continue;
    }
    putDataHeader(view, at, mode, request, offsetBytes, lengthBytes, index === last);
    at += headerBytes;
    reads.push(device.read(offsetBytes / sectorSize, [bytes.subarray(at, at + lengthBytes)]));
    at += lengthBytes;
  }
  // All of them, also when one fails: until then the device writes into the memory.
  const outcomes = await Promise.allSettled(reads);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return at;
}

async function piecesOf(device: BlockDevice, { offsetBytes = 0, lengthBytes = 0 }: Request): Promise<Piece[]> {
  const { sectorSize } = device.info;
  const pieces: Piece[] = [];
  for (const { start, count, type } of await device.extents(offsetBytes / sectorSize, lengthBytes / sectorSize)) {
    const runBytes = count * sectorSize;
    const hole = type === 'zero' && runBytes >= HOLE_BYTES_MIN;
    const last = pieces.at(-1);
    if (last?.hole === hole) last.lengthBytes += runBytes;
    else pieces.push({ offsetBytes: start * sectorSize, lengthBytes: runBytes, hole });
  }
  return pieces;
}

/** Bytes to be set aside for a read of `lengthBytes`: its data behind one header. */
export function readBytes(mode: Mode, lengthBytes: number): number {
  return Math.max(dataHeaderBytes(mode) + lengthBytes, holeBytes(mode));
}
