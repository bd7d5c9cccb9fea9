/** Sum of the lengths, in bytes. */
export function byteLengthOf(buffers: readonly Uint8Array[]): number {
  let sum = 0;
  for (const buffer of buffers) sum += buffer.byteLength;
  return sum;
}

/**
 * Views of bytes `offset` to `offset + length` of the list, as if the buffers were one. Copies nothing. The range must lie
 * within the list.
 */
export function sliceBuffers(buffers: readonly Uint8Array[], offset: number, length: number): Uint8Array[] {
  const views: Uint8Array[] = [];
  let skip = offset;
  let left = length;
  for (const buffer of buffers) {
    if (left === 0) break;
    if (skip >= buffer.byteLength) {
      skip -= buffer.byteLength;
      continue;
    }
    const take = Math.min(buffer.byteLength - skip, left);
    views.push(buffer.subarray(skip, skip + take));
    skip = 0;
    left -= take;
  }
  if (left !== 0) throw new RangeError(`slice of ${length} bytes at ${offset} runs past the end of the buffers`);
  return views;
}

/**
 * Whether every byte is zero.
 *
 * Compares words of 32 bits: 64-bit ones would be bigints, an allocation each.
 */
export function isZero(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, byteLength } = bytes;
  const head = Math.min((4 - (byteOffset % 4)) % 4, byteLength);
  const words = Math.floor((byteLength - head) / 4);
  for (let i = 0; i < head; i++) if (bytes[i] !== 0) return false;
  const view = new Uint32Array(buffer, byteOffset + head, words);
  for (let i = 0; i < words; i++) if (view[i] !== 0) return false;
  for (let i = head + words * 4; i < byteLength; i++) if (bytes[i] !== 0) return false;
  return true;
}
