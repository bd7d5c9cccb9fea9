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
  const { name, created, sizeSectors, deletion } = entry;
  return { name, created, sizeBytes: sizeSectors * sectorSize, sectorSize, isDeleting: deletion !== null };
}

/** The root with a snapshot that someone is about to delete. */
export function withMark(root: LogRoot, name: string, deletion: string): LogRoot {
  snapshotOf(root, name);
  return { ...root, snapshots: root.snapshots.map((each) => (each.name === name ? { ...each, deletion } : each)) };
}

/** The root without the marks of one who does not delete after all. */
export function withoutMarks(root: LogRoot, deletion: string): LogRoot {
  const unmarked = (each: SnapshotEntry) => (each.deletion === deletion ? { ...each, deletion: null } : each);
  return { ...root, snapshots: root.snapshots.map(unmarked) };
}

/** The root without the snapshot. `LOCKED` unless the mark is still there: else a clone may have begun meanwhile. */
export function withoutSnapshot(root: LogRoot, name: string, deletion: string): LogRoot {
  if (snapshotOf(root, name).deletion !== deletion) {
    throw new BlockError('LOCKED', `another process deletes snapshot ${name}, or has begun to and kept it`);
  }
  return { ...root, snapshots: root.snapshots.filter((each) => each.name !== name) };
}
