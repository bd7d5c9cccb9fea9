import type { TierAttachment } from '@blockyard/block';
import { systemVolumeClock, type VolumeHolder, volumeHolderOf } from '@blockyard/volume-root';
import type { SnapshotEntry } from '../format/root.js';
import { isDataPinned, isMapPinned } from '../maintenance/deleter.js';
import { type ReplayLimits, replay } from '../recovery/replay.js';
import { infoOf, type SnapshotInfo } from '../state/snapshot-entries.js';
import { type SpaceUsed, spaceOf } from '../state/space.js';
import { loadState, type VolumeState } from '../state/volume-state.js';
import { holderOf } from '../volume/opening.js';
import { checkPlaceOptions, type LogPlace } from '../volume/options.js';
import { whileCurrent } from '../volume/still-current.js';
import { type FoundVolume, findVolume } from '../volume/volume-place.js';

/** What a volume is, seen from outside. */
export interface VolumeSummary {
  readonly volumeId: string;
  readonly sizeBytes: number;
  readonly sectorSize: number;
  readonly segmentSizeBytes: number;
  readonly isEncrypted: boolean;
  /** Who has it open for writing; null for no one. */
  readonly holder: VolumeHolder | null;
  /** The local tier that has what was flushed and is not in the store; null for none. All else is as the store has it. */
  readonly tier: TierAttachment | null;
  /** Times that it was opened for writing. */
  readonly epoch: number;
  readonly space: SpaceUsed;
  readonly checkpoint: CheckpointSummary;
  readonly snapshots: readonly SnapshotInfo[];
  /** Where the volume is that this one is a clone of; null if it is none. */
  readonly cloneOf: { readonly prefix: string; readonly snapshot: string } | null;
}

/** The checkpoint of a volume: its map as it was stored last. */
export interface CheckpointSummary {
  /** 0: there is none. */
  readonly generation: number;
  /** Segments after it, which an opening has to read. */
  readonly segmentsBehind: number;
  /** When the last segment that it has was sealed, in milliseconds since 1970; 0: there is none. */
  readonly throughMs: number;
}

const MAP_BYTES = 16 << 20;
const LOADS_MAX = 16;

/** Looks at a volume beside a process that may have it open. Reads its root, its directory, the ends of the newest segments. */
export async function inspectLogVolume(options: LogPlace, clock = systemVolumeClock): Promise<VolumeSummary> {
  const place = checkPlaceOptions(options);
  const first = await findVolume(place);
  const holder = volumeHolderOf(holderOf(first, { clock }));
  const { volume, loaded: state } = await whileCurrent(first, { place, clock, load: stateOf });
  const { root } = volume.found;
  dropDeleted(state, root.snapshots);
  const [parent] = root.bases;
  return {
    volumeId: root.volumeId,
    sizeBytes: state.sizeSectors * state.sectorSize,
    sectorSize: state.sectorSize,
    segmentSizeBytes: root.segmentSizeBytes,
    isEncrypted: root.encryption !== null,
    holder,
    tier: root.tier,
    epoch: root.writerEpoch,
    space: spaceOf(state),
    checkpoint: {
      generation: root.checkpoint?.generation ?? 0,
      segmentsBehind: state.through - (root.checkpoint?.through ?? 0),
      throughMs: root.checkpoint?.throughMs ?? 0,
    },
    snapshots: root.snapshots.map((entry) => infoOf(entry, root)),
    cloneOf: parent === undefined ? null : { prefix: parent.prefix, snapshot: parent.snapshot },
  };
}

async function stateOf(volume: FoundVolume, limits: ReplayLimits): Promise<VolumeState> {
  const { store, places, sealing, found, replayParts } = volume;
  const { root } = found;
  const state = await loadState({ store, places, sealing, maxMapBytes: MAP_BYTES }, root, root.checkpoint);
  await replay(replayParts, state, root.epochs, limits);
  await state.map.settlePending(LOADS_MAX);
  return state;
}

/** What is no longer needed has been deleted, or will be in a moment: only the next checkpoint no longer tells of it. */
function dropDeleted({ objects, regions }: VolumeState, snapshots: readonly SnapshotEntry[]): void {
  for (const row of [...objects]) if (row.dead !== 0 && !isDataPinned(row, snapshots)) objects.remove(row.object);
  for (const row of [...regions.rows]) if (row.dead !== 0 && !isMapPinned(row, snapshots)) regions.rows.delete(row);
}
