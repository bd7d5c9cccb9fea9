import type { Mode } from '../../wire/mode.js';
import { CommandFlag } from '../../wire/protocol.js';
import type { PooledBuffer } from '../memory/buffer-pool.js';
import type { Outbound } from './outbound.js';
import { dataHeaderBytes, holeBytes, putDataHeader, putHole } from './replies.js';
import type { Request } from './request.js';
import { type Piece, zeroRuns } from './zero-runs.js';

/** Answers a READ with the data that lie in its memory, behind room for the header. Where the mode has chunks for holes, zeroes are told. */
export function pushData(
  outbound: Outbound,
  mode: Mode,
  request: Request,
  buffer: PooledBuffer,
  lengthBytes: number,
): void {
  const { at, offsetBytes = 0 } = request;
  const from = at + dataHeaderBytes(mode);
  if (mode !== 'simple') {
    const pieces = zeroRuns(buffer.view, buffer.bytes, from, lengthBytes);
    if (pieces !== undefined && (pieces.length === 1 || !request.has(CommandFlag.DF))) {
      pushPieces(outbound, mode, request, buffer, from, pieces);
      return;
    }
  }
  putDataHeader(buffer.view, at, mode, request, offsetBytes, lengthBytes, true);
  outbound.push(buffer, at, from + lengthBytes);
}

/**
 * Data and holes in their order. What stands before a piece of data, its own header and the chunk of the hole, is put where the zeroes
 * of that hole were: nothing is moved, and the zeroes do not leave.
 */
function pushPieces(
  outbound: Outbound,
  mode: Mode,
  request: Request,
  buffer: PooledBuffer,
  from: number,
  pieces: readonly Piece[],
): void {
  const { view } = buffer;
  const { offsetBytes = 0 } = request;
  const last = pieces.length - 1;
  for (const [index, { start, end, hole }] of pieces.entries()) {
    const done = index === last;
    const before = pieces[index - 1];
    if (!hole) {
      const header = from + start - dataHeaderBytes(mode);
      const head = before === undefined ? header : header - holeBytes(mode);
      if (before !== undefined) {
        putHole(view, head, mode, request, offsetBytes + before.start, before.end - before.start, false);
      }
      putDataHeader(view, header, mode, request, offsetBytes + start, end - start, done);
      outbound.push(buffer, head, from + end, done);
    } else if (done) {
      const head = before === undefined ? request.at : from + start;
      outbound.push(buffer, head, putHole(view, head, mode, request, offsetBytes + start, end - start, true));
    }
  }
}
