import { forEachParallel } from '@blockyard/block/async';
import { DELETES_AHEAD } from './deleter.js';
import { dataBytesOf } from './version.js';
import type { VolumeParts } from './volume-parts.js';
import type { ObjectWriter } from './writer.js';

/**
 * Changes the size of a volume. Nothing else is in flight.
 *
 * The size in the root is the one truth, and changes in one step. Data past that size may exist; no one reads it. So:
 *
 * - Shrinking stores the new size first, and only then deletes what lies past it. Whatever goes wrong in between leaves objects
 *   that are out of reach, never a volume of the old size with holes.
 * - Growing first removes what lies past the old size, and only then stores the new one. Whatever goes wrong in between took
 *   away only what was out of reach; and once the size has grown there is nothing in the grown part that could be read.
 *
 * What lies past the end is known from the listing at open, which does not stop at the end, so a leftover of a process that
 * died after shrinking is found by the one that grows.
 */
export async function resizeVolume(parts: VolumeParts, writer: ObjectWriter, sizeSectors: number): Promise<void> {
  const { geometry, root, fence, known } = parts;
  fence.check();
  const grows = sizeSectors > geometry.sizeSectors;
  if (grows) await clearPastEnd(parts, writer);
  const pastEnd = geometry.objectCount;
  await root.change((held) => ({ ...held, sizeSectors }));
  // New space reads as zeroes, whatever a listing has left out.
  if (grows) known.discardFrom(pastEnd);
  geometry.sizeSectors = sizeSectors;
  if (grows) return;
  // The size has changed, so this can no longer fail. What is left over is removed before the volume grows again.
  await deletePastEnd(parts, writer).catch(() => {});
}

async function clearPastEnd(parts: VolumeParts, writer: ObjectWriter): Promise<void> {
  const { geometry, known, objects, guard } = parts;
  await deletePastEnd(parts, writer);
  const usedBytes = geometry.sizeBytes % geometry.objectSizeBytes;
  const last = geometry.objectCount - 1;
  if (usedBytes === 0 || !known.mayExist(last)) return;
  const version = await objects.head(last);
  if (version !== undefined) await guard.check(last, version);
  if (version !== undefined && dataBytesOf(version) <= usedBytes) return;
  await writer.write(last, { offset: usedBytes, lengthBytes: geometry.objectSizeBytes - usedBytes });
}

async function deletePastEnd({ geometry, known }: VolumeParts, writer: ObjectWriter): Promise<void> {
  const { objectCount, objectSizeBytes } = geometry;
  const leftovers = known.existing(objectCount, Number.MAX_SAFE_INTEGER);
  await forEachParallel(leftovers, { maxConcurrency: DELETES_AHEAD }, (index) =>
    writer.write(index, { offset: 0, lengthBytes: objectSizeBytes }),
  );
}
