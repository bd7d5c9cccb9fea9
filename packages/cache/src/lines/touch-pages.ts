const PAGE_BYTES = 4096;
/** Less is over before it helps. */
const BYTES_MIN = 4 * PAGE_BYTES;

/** The compiler leaves out what is not used. */
const seen = { bytes: 0 };

/**
 * Looks at each page of memory that is about to be copied from, and is likely cold. The processor then fetches the pages'
 * beginnings and their translations all at once; in the copy itself it would halt at each page, since it reads ahead
 * within a page only. `bench/hit` shows what reads of 64 KiB come to. Not for memory that is copied to: a
 * processor that overwrites whole lines need not read them first.
 */
export function touchPages(bytes: Uint8Array): void {
  const { byteLength } = bytes;
  if (byteLength < BYTES_MIN) return;
  let found = 0;
  for (let at = 0; at < byteLength; at += PAGE_BYTES) found |= byteAt(bytes, at);
  seen.bytes = found;
}

/** A byte at an index below the length. Nothing of it is left at run time. */
function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
