import { formatSize } from '@blockyard/uri';
import { runWorkload, type WorkloadRun } from './comparison.js';
import type { Input } from './inputs/input.js';
import type { Backend, Settings } from './inputs/settings.js';
import { makeWorkload } from './inputs/workload.js';
import type { Place } from './places/place.js';
import type { Cleanup } from './process/cleanup.js';
import type { Progress } from './progress.js';
import { type RoundTrip, roundTrip } from './round-trip.js';
import { formatCount } from './units.js';

/** All that there is to say of one backend. */
export interface BackendResult {
  readonly backend: Backend;
  readonly cold: string;
  readonly input: RoundTrip;
  readonly raw: WorkloadRun;
  readonly cached: WorkloadRun;
  readonly verified: boolean;
}

/** Does everything on one backend. */
export async function demonstrate(
  place: Place,
  input: Input,
  { cacheBytes }: Settings,
  cleanup: Cleanup,
  progress: Progress,
): Promise<BackendResult> {
  const { backend, cold } = place;
  progress.begin(`${backend}: input`);
  const trip = await roundTrip(place, input, cacheBytes, cleanup, (text, doneBytes) =>
    progress.update(`${text} ${formatSize(doneBytes)} of ${formatSize(input.lengthBytes)}`),
  );
  if (trip.verified) progress.succeed(`read back as it was written, cold: ${cold}`);
  else progress.fail('what was read back is not what was written');

  const workload = makeWorkload(place.workload);
  const run = async (title: string, bytes: number | undefined) => {
    progress.begin(`${backend}: ${title}`);
    const result = await runWorkload(place, workload, bytes, cleanup, (text) => progress.update(text));
    const speed = `${formatCount(result.operations)} operations, ${formatCount(result.opsPerSecond)} a second`;
    if (result.verified) progress.succeed(speed);
    else progress.fail(`${speed}, but with wrong contents`);
    return result;
  };
  const raw = await run('workload, raw', undefined);
  const cached = await run('workload, cached', cacheBytes);
  return { backend, cold, input: trip, raw, cached, verified: trip.verified && raw.verified && cached.verified };
}
