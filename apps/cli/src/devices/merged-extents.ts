import { type BlockDevice, type Extent, type SectorRange, walkExtents } from '@blockyard/block';

/** The extents of a range, ascending, neighbours of different types. Ends with the signal's reason once it has fired. */
export async function* mergedExtents(
  device: BlockDevice,
  { start, count }: SectorRange,
  signal: AbortSignal,
): AsyncGenerator<Extent> {
  let last: Extent | undefined;
  signal.throwIfAborted();
  for await (const extent of walkExtents(device, start, count)) {
    signal.throwIfAborted();
    if (last?.type === extent.type) {
      last = { ...last, count: last.count + extent.count };
      continue;
    }
    if (last !== undefined) yield last;
    last = extent;
  }
  if (last !== undefined) yield last;
}
