import type { VolumeState } from './volume-state.js';

/** What a volume has in the store. Objects of another volume that a clone shares count in `sharedBytes` alone. */
export interface SpaceUsed {
  /** Bytes of the objects that hold data. */
  readonly dataBytes: number;
  /** Bytes of those that hold the map. */
  readonly mapBytes: number;
  /** Bytes of sectors that the volume, as it is now, has in objects. */
  readonly liveBytes: number;
  /** Objects of both kinds. */
  readonly objects: number;
  /** Bytes of the objects that hold data of the volumes that it is a clone of, as far as it, or a snapshot of it, needs them. */
  readonly sharedBytes: number;
}

export function spaceOf({ objects, regions, sectorSize }: VolumeState): SpaceUsed {
  const maps = [...regions.rows].filter(({ base }) => base === 0);
  return {
    dataBytes: objects.sizeBytes,
    mapBytes: maps.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    liveBytes: objects.live * sectorSize,
    objects: objects.own + maps.length,
    sharedBytes: objects.sharedBytes,
  };
}
