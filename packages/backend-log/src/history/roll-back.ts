import { BlockError } from '@blockyard/block';
import { systemVolumeClock, type VolumeClock } from '@blockyard/volume-root';
import { Checkpointer } from '../checkpoint/checkpointer.js';
import type { MapRow } from '../format/rows.js';
import { snapshotOf } from '../state/snapshot-entries.js';
import type { VolumeState } from '../state/volume-state.js';
import { closeVolume, openForWriting } from '../volume/opening.js';
import { checkConnectOptions, type LogPlace } from '../volume/options.js';
import { causeOf } from '../volume/replaced.js';
import { findVolume, nameOf } from '../volume/volume-place.js';
import { stateOfSnapshot } from './snapshots.js';

const LOADS_MAX = 32;

/** Options of {@link rollBack}. */
export interface RollBackOptions {
  /** Whether the volume is taken from a writer that has it open and is alive. If not, that is `LOCKED`. Default: false. */
  readonly takeOver?: boolean;
  /**
   * Whether a volume is rolled back that has a local tier, and loses what is there alone: it would be written over what the
   * volume is then. If not, that is `TIER_MISSING`. Default: false.
   */
  readonly acceptLoss?: boolean;
  /** Default: the system's. */
  readonly clock?: VolumeClock;
}

/**
 * Makes the volume what it was at a snapshot. What it was before is gone, unless there is a snapshot of it. Snapshots stay, later
 * ones too.
 *
 * `NOT_FOUND` if there is no such snapshot, `LOCKED` if a writer has the volume open, `TIER_MISSING` if a local tier has what was
 * flushed last.
 */
export async function rollBack(
  options: LogPlace,
  snapshot: string,
  { takeOver = false, acceptLoss = false, clock = systemVolumeClock }: RollBackOptions = {},
): Promise<void> {
  // Of a tier that is given up the root says so together with the rollback, so that one that fails loses nothing.
  const settings = checkConnectOptions({ ...options, clock, takeOver, ...(acceptLoss ? { tier: 'expected' } : {}) });
  try {
    const volume = await findVolume(settings);
    const entry = snapshotOf(volume.found.root, snapshot);
    const opened = await openForWriting(volume, settings);
    try {
      const { store, places, root, epoch, opening, state } = opened;
      const past = await stateOfSnapshot(volume, entry, settings);
      // Until then the objects do not know what is in use of them.
      await past.map.settlePending(LOADS_MAX);
      goOnFrom(past, state);
      const writer = { hold: () => () => {} };
      await new Checkpointer({ store, places, state: past, root, writer, epoch, opening, clock }).run((changed) => ({
        ...changed,
        tier: null,
      }));
    } catch (error) {
      throw await causeOf(error, opened);
    } finally {
      await closeVolume(opened.root, opened.state.through + 1);
    }
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(settings) });
  }
}

/**
 * The past state, as the next one after `now`: its numbers go on from there, and it knows all objects that there are. What it
 * does not reach goes as after any other checkpoint.
 */
function goOnFrom(past: VolumeState, now: VolumeState): void {
  past.generation = now.generation;
  past.through = now.through;
  past.throughMs = now.throughMs;
  past.nextPack = Math.max(past.nextPack, now.nextPack);
  for (const [name, opening] of now.openings) past.openings.set(name, opening);
  for (const row of [...past.objects]) {
    // What the snapshot did not reach itself may have been deleted since.
    if (row.live > 0) row.dead = 0;
    else past.objects.remove(row.object);
  }
  for (const row of now.objects) if (past.objects.get(row.object) === undefined) past.objects.add({ ...row, live: 0 });
  const { rows } = past.regions;
  for (const row of [...rows]) {
    if (row.liveBytes > 0) row.dead = 0;
    else rows.delete(row);
  }
  const known = new Set([...rows].map(nameOfMap));
  for (const row of now.regions.rows) if (!known.has(nameOfMap(row))) rows.add({ ...row, liveBytes: 0 });
}

function nameOfMap({ base, generation, epoch, part }: MapRow): string {
  return `${base}/${generation}/${epoch}/${part}`;
}
