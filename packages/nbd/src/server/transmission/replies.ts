import { encodeText, writeU64 } from '../../wire/bytes.js';
import type { Mode } from '../../wire/mode.js';
import {
  CHUNK_FLAG_DONE,
  Chunk,
  EXTENDED_REPLY_BYTES,
  EXTENDED_REPLY_MAGIC,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_BYTES,
  STRUCTURED_REPLY_MAGIC,
} from '../../wire/protocol.js';
import type { StatusExtent } from '../exports/contexts.js';
import type { Request } from './request.js';

const U32 = 0x1_0000_0000;

function chunkHeaderBytes(mode: Mode): number {
  return mode === 'extended' ? EXTENDED_REPLY_BYTES : STRUCTURED_REPLY_BYTES;
}

/** Bytes in front of the data of a READ. */
export function dataHeaderBytes(mode: Mode): number {
  return mode === 'simple' ? SIMPLE_REPLY_BYTES : chunkHeaderBytes(mode) + 8;
}

/** Bytes of the chunk that says that a range reads as zeroes. */
export function holeBytes(mode: Mode): number {
  return chunkHeaderBytes(mode) + 12;
}

/** Bytes of a chunk with `count` extents of one context. */
export function statusBytes(mode: Mode, count: number): number {
  return chunkHeaderBytes(mode) + (mode === 'extended' ? 8 + 16 * count : 4 + 8 * count);
}

/** Bytes of the reply that tells success without data, at most. */
export function successBytes(mode: Mode): number {
  return mode === 'simple' ? SIMPLE_REPLY_BYTES : chunkHeaderBytes(mode);
}

/** Bytes of the reply that tells failure. */
export function errorBytes(mode: Mode, message: string): number {
  if (mode === 'simple') return SIMPLE_REPLY_BYTES;
  return chunkHeaderBytes(mode) + 6 + encodeText(message).byteLength;
}

/** Success without data. Returns where it ends, as all of these do. */
export function putSuccess(view: DataView, at: number, mode: Mode, request: Request): number {
  // Also with structured replies this is allowed where there is no data, and it is the shorter one.
  if (mode !== 'extended') return putSimple(view, at, request, 0);
  return putChunkHeader(view, at, mode, request, CHUNK_FLAG_DONE, Chunk.NONE, 0);
}

/** The end of a READ in chunks whose data is all sent, or of which there was none. */
export function putReadDone(view: DataView, at: number, mode: Mode, request: Request): number {
  if (mode === 'simple') return putSimple(view, at, request, 0);
  return putChunkHeader(view, at, mode, request, CHUNK_FLAG_DONE, Chunk.NONE, 0);
}

/** Failure. `message` is for people; simple replies have no room for it. */
export function putError(view: DataView, at: number, mode: Mode, request: Request, errno: number, message: string) {
  if (mode === 'simple') return putSimple(view, at, request, errno);
  const text = encodeText(message);
  const end = putChunkHeader(view, at, mode, request, CHUNK_FLAG_DONE, Chunk.ERROR, 6 + text.byteLength);
  view.setUint32(end, errno);
  view.setUint16(end + 4, text.byteLength);
  for (let i = 0; i < text.byteLength; i++) view.setUint8(end + 6 + i, text[i] ?? 0);
  return end + 6 + text.byteLength;
}

/** What stands before `lengthBytes` of data from `offsetBytes` on. */
export function putDataHeader(
  view: DataView,
  at: number,
  mode: Mode,
  request: Request,
  offsetBytes: number,
  lengthBytes: number,
  done: boolean,
): number {
  if (mode === 'simple') return putSimple(view, at, request, 0);
  const flags = done ? CHUNK_FLAG_DONE : 0;
  const end = putChunkHeader(view, at, mode, request, flags, Chunk.OFFSET_DATA, 8 + lengthBytes);
  writeU64(view, end, offsetBytes);
  return end + 8;
}

/** A range that reads as zeroes, instead of its data. */
export function putHole(
  view: DataView,
  at: number,
  mode: Mode,
  request: Request,
  offsetBytes: number,
  lengthBytes: number,
  done: boolean,
): number {
  const end = putChunkHeader(view, at, mode, request, done ? CHUNK_FLAG_DONE : 0, Chunk.OFFSET_HOLE, 12);
  writeU64(view, end, offsetBytes);
  view.setUint32(end + 8, lengthBytes);
  return end + 12;
}

/** Extents of one context: pairs of length in bytes and status. */
export function putStatus(
  view: DataView,
  at: number,
  mode: Mode,
  request: Request,
  contextId: number,
  extents: readonly StatusExtent[],
  done: boolean,
): number {
  const extended = mode === 'extended';
  const flags = done ? CHUNK_FLAG_DONE : 0;
  const type = extended ? Chunk.BLOCK_STATUS_EXT : Chunk.BLOCK_STATUS;
  const payloadBytes = statusBytes(mode, extents.length) - chunkHeaderBytes(mode);
  let end = putChunkHeader(view, at, mode, request, flags, type, payloadBytes);
  view.setUint32(end, contextId);
  end += 4;
  if (extended) {
    view.setUint32(end, extents.length);
    end += 4;
  }
  for (const extent of extents) {
    if (extended) {
      writeU64(view, end, extent.lengthBytes);
      writeU64(view, end + 8, extent.status);
      end += 16;
    } else {
      view.setUint32(end, extent.lengthBytes);
      view.setUint32(end + 4, extent.status);
      end += 8;
    }
  }
  return end;
}

function putSimple(view: DataView, at: number, request: Request, errno: number): number {
  view.setUint32(at, SIMPLE_REPLY_MAGIC);
  view.setUint32(at + 4, errno);
  view.setUint32(at + 8, request.cookieHigh);
  view.setUint32(at + 12, request.cookieLow);
  return at + SIMPLE_REPLY_BYTES;
}

function putChunkHeader(
  view: DataView,
  at: number,
  mode: Mode,
  request: Request,
  flags: number,
  type: number,
  payloadBytes: number,
): number {
  const extended = mode === 'extended';
  view.setUint32(at, extended ? EXTENDED_REPLY_MAGIC : STRUCTURED_REPLY_MAGIC);
  view.setUint16(at + 4, flags);
  view.setUint16(at + 6, type);
  view.setUint32(at + 8, request.cookieHigh);
  view.setUint32(at + 12, request.cookieLow);
  if (!extended) {
    view.setUint32(at + 16, payloadBytes);
    return at + STRUCTURED_REPLY_BYTES;
  }
  view.setUint32(at + 16, request.offsetHigh);
  view.setUint32(at + 20, request.offsetLow);
  view.setUint32(at + 24, Math.floor(payloadBytes / U32));
  view.setUint32(at + 28, payloadBytes % U32);
  return at + EXTENDED_REPLY_BYTES;
}
