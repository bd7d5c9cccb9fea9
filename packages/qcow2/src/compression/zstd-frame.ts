/** Frames of zstd as RFC 8878 has them (3.1.1). */

const MAGIC = 0xfd2fb528;
const CHECKSUM_BYTES = 4;
const BLOCK_HEAD_BYTES = 3;
const RLE = 1;
const RESERVED = 3;

/** Bytes of the field with the size of the content, by two bits of the descriptor; a frame of one segment has at least one. */
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];

/** Bytes of the frame that `source` begins with; others may follow it. Throws where there is none, or only a part of one. */
export function zstdFrameBytes(source: Uint8Array): number {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error('no frame of zstd begins here');
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeBytes = CONTENT_SIZE_BYTES[descriptor >>> 6] || (isSingleSegment ? 1 : 0);
  const windowBytes = isSingleSegment ? 0 : 1;
  let at = 5 + windowBytes + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + contentSizeBytes;
  for (let isLast = false; !isLast; ) {
    const head = view.getUint16(at, true) + view.getUint8(at + 2) * 2 ** 16;
    isLast = (head & 1) === 1;
    const type = (head >>> 1) & 3;
    if (type === RESERVED) throw new Error('a block of zstd is of a type that there is not');
    at += BLOCK_HEAD_BYTES + (type === RLE ? 1 : head >>> 3);
  }
  const end = at + ((descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES);
  if (end > source.byteLength) throw new Error('the frame of zstd ends too early');
  return end;
}
