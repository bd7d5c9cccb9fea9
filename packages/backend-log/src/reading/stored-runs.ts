import { slotBytesOf, slotOffset } from '../format/segment.js';
import type { Places } from '../objects/places.js';
import type { VolumeState } from '../state/volume-state.js';

/** Sectors in a row whose bytes, with what each is checked by, are in a row in an object. */
export interface StoredRun {
  readonly start: number;
  readonly count: number;
  /** Of the object. */
  readonly key: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

/** The map is looked at for so many sectors at a time. */
const STEP_SECTORS = 4096;

/**
 * Where the sectors of a range are in the store, as far as the map in memory knows; undefined at the end of each step. Each step
 * is of the moment in which it is taken.
 */
export function* storedRuns(
  state: VolumeState,
  places: Places,
  start: number,
  count: number,
): Generator<StoredRun | undefined, void, undefined> {
  const { sectorSize } = state;
  for (const runs of state.map.loadedRunsIn(start, count, STEP_SECTORS)) {
    const stored = runs.map(({ object, slot, ...run }) => ({
      start: run.start,
      count: run.count,
      key: places.dataKey(state.objects.existing(object)),
      offset: slotOffset(slot, sectorSize),
      lengthBytes: run.count * slotBytesOf(sectorSize),
    }));
    yield* stored;
    yield undefined;
  }
}
