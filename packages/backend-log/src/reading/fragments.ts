import type { Fragment } from '@blockyard/block';
import { NO_OBJECT, type ObjectId } from '../format/keys.js';
import type { Run } from '../map/run.js';
import { fetchesOf } from '../objects/data-reader.js';
import type { Segment } from '../segments/segment.js';
import type { VolumeState } from '../state/volume-state.js';
import { SHARED_BYTES_MAX } from './shared-requests.js';

/** Longer ranges take too long to be told of while all else waits. */
const SECTORS_MAX = 4096;

/**
 * Which request brings which part of the range, as far as the map in memory knows: as `SharedRequests` plans them for reads that
 * begin at once. `unapplied`: segments whose changes the state does not have, which are in memory.
 */
export function fragmentsOf(
  state: VolumeState,
  unapplied: Iterable<Segment>,
  start: number,
  count: number,
): Fragment[] | undefined {
  if (count > SECTORS_MAX) return undefined;
  const found = state.map.lookupLoaded(start, count);
  if (found === undefined) return undefined;
  const segments = [...unapplied].filter((segment) => segment.mayKnow(start, count));
  const fragments: Fragment[] = [];
  const byObject = new Map<ObjectId, Run[]>();
  for (const run of segments.length === 0 ? found : found.flatMap((each) => [...withoutKnown(each, segments)])) {
    const others = byObject.get(run.object);
    if (run.object === NO_OBJECT) fragments.push({ start: run.start, count: run.count, request: 0 });
    else if (others === undefined) byObject.set(run.object, [run]);
    else others.push(run);
  }
  let request = 0;
  for (const [object, runs] of byObject) {
    for (const fetch of fetchesOf(state.objects.existing(object), runs, state.sectorSize, SHARED_BYTES_MAX)) {
      request++;
      for (const run of fetch.runs) fragments.push({ start: run.start, count: run.count, request });
    }
  }
  return fragments.sort((a, b) => a.start - b.start);
}

/** The run, divided so that what a segment knows is at hand: its object is then {@link NO_OBJECT}. */
function* withoutKnown(run: Run, segments: readonly Segment[]): Generator<Run> {
  const isKnown = (sector: number) => segments.some((segment) => segment.find(sector) !== undefined);
  const end = run.start + run.count;
  for (let from = run.start; from < end; ) {
    const known = isKnown(from);
    let to = from + 1;
    while (to < end && isKnown(to) === known) to++;
    const [start, count] = [from, to - from];
    yield known
      ? { start, count, object: NO_OBJECT, slot: 0 }
      : { start, count, object: run.object, slot: run.slot + start - run.start };
    from = to;
  }
}
