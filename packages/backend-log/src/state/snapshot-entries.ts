import { BlockError } from '@blockyard/block';
import { type LogRoot, SNAPSHOTS_MAX, type SnapshotEntry } from '../format/root.js';

/** A state of a volume that is kept. */
export interface SnapshotInfo {
  readonly name: string;
  /** ISO 8601, UTC, by the clock of the process that took it. */
  readonly created: string;
  readonly sizeBytes: number;
  readonly sectorSize: number;
  /** Someone has begun to delete it, and has not ended. It is kept until that is done again. */
  readonly isDeleting: boolean;
}

/** The snapshot that a clone, a rollback or a reader wants. `NOT_FOUND` if there is none. */
export function snapshotOf(root: LogRoot, name: string): SnapshotEntry {
  const found = root.snapshots.find((each) => each.name === name);
  if (found === undefined) throw new BlockError('NOT_FOUND', `there is no snapshot ${JSON.stringify(name)}`);
  return found;
}

/** The root with one more snapshot. */
export function withSnapshot(root: LogRoot, entry: SnapshotEntry): LogRoot {
  if (root.snapshots.some(({ name }) => name === entry.name)) {
    throw new BlockError('ALREADY_EXISTS', `there is a snapshot ${entry.name} already`);
  }
  if (root.snapshots.length >= SNAPSHOTS_MAX) {
    throw new BlockError('NO_SPACE', `a volume has at most ${SNAPSHOTS_MAX} snapshots`);
  }
  return { ...root, snapshots: [...root.snapshots, entry] };
}

export function infoOf(entry: SnapshotEntry, { sectorSize }: Pick<LogRoot, 'sectorSize'>): SnapshotInfo {
  const { name, created, sizeSectors, isDeleting } = entry;
  return { name, created, sizeBytes: sizeSectors * sectorSize, sectorSize, isDeleting };
}
