/** Where a table lies in the image. */
export interface TablePlace {
  readonly offset: number;
  readonly entries: number;
}

/** Bytes of an entry of the first table. */
export const TABLE_ENTRY_BYTES = 8;

export const SUBCLUSTERS = 32;

/** The sizes that follow from the size of a cluster. */
export interface Geometry {
  readonly clusterBytes: number;
  readonly hasSubclusters: boolean;
  /** The unit in which it is known where data are: a subcluster, or a cluster where there are none. */
  readonly subclusterBytes: number;
  /** Bytes of an entry of a second table, which is one cluster. */
  readonly l2EntryBytes: number;
  /** Bytes of the disk that a second table tells of. */
  readonly bytesPerL2: number;
}

export function geometryOf(clusterBytes: number, hasSubclusters: boolean): Geometry {
  const l2EntryBytes = hasSubclusters ? 16 : 8;
  return {
    clusterBytes,
    hasSubclusters,
    subclusterBytes: hasSubclusters ? clusterBytes / SUBCLUSTERS : clusterBytes,
    l2EntryBytes,
    bytesPerL2: (clusterBytes / l2EntryBytes) * clusterBytes,
  };
}
