/** A view of each sector in a list of buffers, in order. */
export function sectorViews(buffers: readonly Uint8Array[], sectorSize: number): Uint8Array[] {
  const views: Uint8Array[] = [];
  for (const buffer of buffers) {
    for (let at = 0; at < buffer.byteLength; at += sectorSize) views.push(buffer.subarray(at, at + sectorSize));
  }
  return views;
}
