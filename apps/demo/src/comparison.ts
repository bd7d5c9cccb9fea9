import { createHash } from 'node:crypto';
import { PIECE_BYTES } from './inputs/input.js';
import { SECTOR_SIZE } from './inputs/settings.js';
import type { Workload, WorkloadSize } from './inputs/workload.js';
import type { Place, Volume } from './places/place.js';
import type { Cleanup } from './process/cleanup.js';
import { type Replay, replay } from './replay.js';
import { hashOf } from './round-trip.js';
import { type BaseCounts, countsOf, openSession } from './session.js';

/** How the workload went on one volume. */
export interface WorkloadRun extends Replay, WorkloadSize {
  readonly opsPerSecond: number;
  readonly base: BaseCounts;
  /** Share of the lines that reads asked for and the cache had. Null without a cache. */
  readonly hitRatio: number | null;
  readonly sha256Expected: string;
  readonly sha256Read: string;
  readonly verified: boolean;
}

/** Pieces written at once while a volume is filled. */
const FILL_DEPTH = 8;

/** Runs the workload on a new volume, as it is or through a cache of `cacheBytes`, and reads what it has come to, anew and uncached. */
export async function runWorkload(
  place: Place,
  workload: Workload,
  cacheBytes: number | undefined,
  cleanup: Cleanup,
  onProgress: (text: string) => void,
): Promise<WorkloadRun> {
  const contents = workload.contents();
  const volume = await place.create(cacheBytes === undefined ? 'raw' : 'cached', workload.volumeBytes);
  cleanup.add('remove the volume of the workload', () => volume.dispose());
  onProgress('filling the volume');
  await fillVolume(volume, contents, cleanup);

  const { device, base, cache } = await openSession(volume, cleanup, cacheBytes);
  const replayed = await replay(device, workload, contents, (done) =>
    onProgress(`${Math.round((100 * done) / workload.operations)} %`),
  );
  const reached = countsOf(base);
  const { lookups, hits } = cache?.snapshot() ?? { lookups: 0, hits: 0 };
  await device.disconnect();

  onProgress('comparing');
  const sha256Read = await hashAnew(volume, workload.volumeBytes, cleanup);
  await volume.dispose();
  const sha256Expected = createHash('sha256').update(contents).digest('hex');
  return {
    ...replayed,
    operations: workload.operations,
    volumeBytes: workload.volumeBytes,
    opsPerSecond: workload.operations / replayed.seconds,
    base: reached,
    hitRatio: cache === undefined ? null : hits / Math.max(1, lookups),
    sha256Expected,
    sha256Read,
    verified: replayed.differingReads === 0 && sha256Read === sha256Expected,
  };
}

async function fillVolume(volume: Volume, contents: Uint8Array, cleanup: Cleanup): Promise<void> {
  const { device } = await openSession(volume, cleanup);
  let next = 0;
  const worker = async () => {
    while (next < contents.byteLength) {
      const at = next;
      next += PIECE_BYTES;
      await device.write(at / SECTOR_SIZE, [contents.subarray(at, at + PIECE_BYTES)]);
    }
  };
  await Promise.all(Array.from({ length: FILL_DEPTH }, worker));
  await device.disconnect();
}

async function hashAnew(volume: Volume, lengthBytes: number, cleanup: Cleanup): Promise<string> {
  const { device } = await openSession(volume, cleanup);
  const hash = await hashOf(device, lengthBytes);
  await device.disconnect();
  return hash;
}
