/**
 * Data objects of version 1, which are read as they are until they are replaced: 16 bytes of the write id, then the data, which
 * has no checksums. Their stamp does not tell their length, but it is whole sectors.
 */
export const HEADER_BYTES_V1 = 16;

/** Whether an object of that size can be one. */
export function fitsV1(
  sizeBytes: number,
  { sectorSize, objectSizeBytes }: { readonly sectorSize: number; readonly objectSizeBytes: number },
): boolean {
  const dataBytes = sizeBytes - HEADER_BYTES_V1;
  return dataBytes >= 0 && dataBytes <= objectSizeBytes && dataBytes % sectorSize === 0;
}
