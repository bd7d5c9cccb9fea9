import { isBlockError } from '@blockyard/block';
import { type Listed, MAX_BATCH_KEYS, type ObjectStore } from '@blockyard/object-store';
import { type RootObject, systemVolumeClock, type VolumeClock } from '@blockyard/volume-root';
import { dataPrefix, kindOf, mapPrefix, numberOf, parseDataKey, parseMapKey, rootKey } from '../format/keys.js';
import type { LogRoot } from '../format/root.js';
import type { Sealing } from '../format/sealing.js';
import { HEAD_BYTES } from '../format/segment.js';
import type { Places } from '../objects/places.js';
import { readDirectory, type VolumeState } from '../state/volume-state.js';

const DAY_MS = 86_400_000;
/** An object that nothing refers to may be about to be: of a process that is slow. */
const ORPHAN_MS_MIN = DAY_MS;
/** A fence has to outlive every request of the writer that it keeps out. */
const FENCE_MS_MIN = 7 * DAY_MS;

export interface OrphansParts {
  readonly store: Pick<ObjectStore, 'get' | 'list' | 'delete' | 'dates' | 'urlOf'>;
  readonly prefix: string;
  readonly places: Places;
  readonly sealing: Sealing;
  readonly state: VolumeState;
  readonly root: RootObject<LogRoot>;
  readonly epoch: number;
  readonly clock?: VolumeClock;
}

/**
 * Deletes objects that nothing refers to: of checkpoints and packs that came to nothing, of earlier writers, of deletions that
 * were not answered. They are found by listing, and must be a day old by the store's clock. In doubt they stay.
 *
 * @returns how many were deleted
 */
export async function deleteOrphans(parts: OrphansParts): Promise<number> {
  const { store, prefix, root } = parts;
  // What another process has changed of the root is known from here on, and that this one still has the volume.
  await root.verify();
  const known = await knownKeys(parts);
  let deleted = 0;
  for (const under of [dataPrefix(prefix, 'log'), dataPrefix(prefix, 'pack'), mapPrefix(prefix)]) {
    for await (const objects of store.list(under)) {
      const keys = objects.filter((each) => !known.has(each.key) && isOrphan(parts, each)).map(({ key }) => key);
      for (let at = 0; at < keys.length; at += MAX_BATCH_KEYS) {
        const results = await store.delete(keys.slice(at, at + MAX_BATCH_KEYS).map((key) => ({ key })));
        for (const result of results) if (isBlockError(result)) throw result;
        deleted += results.length;
      }
    }
  }
  return deleted;
}

async function knownKeys(parts: OrphansParts): Promise<ReadonlySet<string>> {
  const { places, state, prefix, root } = parts;
  const keys = new Set([rootKey(prefix)]);
  for (const row of state.objects) keys.add(places.dataKey(row));
  for (const row of state.regions.rows) keys.add(places.mapKey(row));
  for (const { checkpoint } of root.root.snapshots) {
    // One of a checkpoint that this writer, or an earlier one, took for failed: no later directory tells of its objects.
    if (checkpoint === null || checkpoint.base !== 0 || keys.has(places.mapKey(checkpoint))) continue;
    const { data, maps } = await readDirectory(parts, checkpoint);
    for (const row of data) keys.add(places.dataKey(row));
    for (const row of maps) keys.add(places.mapKey(row));
  }
  return keys;
}

function isOrphan(parts: OrphansParts, { key, sizeBytes, modifiedMs }: Listed): boolean {
  const { store, prefix, clock = systemVolumeClock } = parts;
  const nowMs = store.dates.latestMs ?? clock.wallMs?.() ?? Number.NaN;
  const minAgeMs = sizeBytes <= HEAD_BYTES ? FENCE_MS_MIN : ORPHAN_MS_MIN;
  // Where a time is not known the age is not a number, and nothing is older than that.
  return nowMs - modifiedMs >= minAgeMs && isOver(parts, prefix, key);
}

/** Whether the key is a name that will not come to be referred to. */
function isOver({ state, root, epoch }: OrphansParts, prefix: string, key: string): boolean {
  const data = parseDataKey(prefix, key);
  if (data !== undefined) {
    if (data.epoch !== epoch) return data.epoch < epoch;
    const number = numberOf(data.object);
    return kindOf(data.object) === 'log' ? number <= state.through : number < state.nextPack;
  }
  const map = parseMapKey(prefix, key);
  return map !== undefined && map.generation < (root.root.checkpoint?.generation ?? 0);
}
