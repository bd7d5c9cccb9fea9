import type { Compression, Header } from './format/header.js';
import type { ListedSnapshot, Snapshot } from './format/snapshots.js';
import type { BackingFormat } from './options.js';

/** What an image is. */
export interface Qcow2Facts {
  readonly version: 2 | 3;
  /** Of the disk, in bytes. */
  readonly sizeBytes: number;
  readonly clusterBytes: number;
  /** Whether it is known of 32nd parts of a cluster where they are. */
  readonly hasSubclusters: boolean;
  /** How clusters are compressed where they are. */
  readonly compression: Compression;
  /** It was not closed by the program that wrote it; readers need not care. */
  readonly isDirty: boolean;
  /** A program has found it damaged. What is damaged is `CORRUPT` when it is read. */
  readonly isMarkedCorrupt: boolean;
  /** The snapshot that is read; null for the image as it is. */
  readonly snapshot: Snapshot | null;
  /** The image below; null where there is none. */
  readonly backing: BackingFacts | null;
}

/** The file that an image stands on. */
export interface BackingFacts {
  /** As the image has it. */
  readonly name: string;
  readonly format: BackingFormat;
  /** What it is, where it is a qcow2 image itself; null for a raw one. */
  readonly image: Qcow2Facts | null;
}

/** A snapshot as it is shown: where its tables lie concerns no one. */
export function shown({ id, name, createdMs, sizeBytes, vmStateBytes }: ListedSnapshot): Snapshot {
  return { id, name, createdMs, sizeBytes, vmStateBytes };
}

export function factsOf(
  { version, geometry, compression, isDirty, isMarkedCorrupt }: Header,
  sizeBytes: number,
  snapshot: ListedSnapshot | undefined,
  backing: BackingFacts | null,
): Qcow2Facts {
  const { clusterBytes, hasSubclusters } = geometry;
  const shape = { version, sizeBytes, clusterBytes, hasSubclusters, compression, isDirty, isMarkedCorrupt };
  return { ...shape, snapshot: snapshot === undefined ? null : shown(snapshot), backing };
}
