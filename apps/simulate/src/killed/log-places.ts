import { checkLogVolume, createLogVolume } from '@blockyard/backend-log';
import { openLogPlace, type Shape, type StorePlace, type VolumePlace } from './place.js';

/** Segments of a log of 32 sectors or so, so that what is flushed at once takes several. */
const segmentSizeOf = (sectorSize: number) => (48 << 10) + 64 + 32 * (sectorSize + 16);

/** Makes a log volume. */
export async function createLog<Log extends StorePlace>(log: Log, prefix: string, shape: Shape) {
  const place = { log, prefix };
  const { store } = await openLogPlace(place);
  await createLogVolume({ store, prefix, ...shape, segmentSizeBytes: segmentSizeOf(shape.sectorSize) });
  store.close();
  return place;
}

/** What is not whole of a volume as it lies in its store: of a log, what `checkLogVolume` finds. */
export async function problemsAt(place: VolumePlace): Promise<string[]> {
  if ('uri' in place) return [];
  const opened = await openLogPlace(place);
  const { problems } = await checkLogVolume(opened);
  opened.store.close();
  return problems.map(({ url, error }) => `${url}: ${error.message}`);
}
