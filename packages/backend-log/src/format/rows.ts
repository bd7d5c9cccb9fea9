import type { DataName, MapName } from './keys.js';

/** What is known of an object of data. */
export interface DataRow extends DataName {
  /** Which volume stored it: 0 for this one, else the number of a base, from 1. */
  readonly base: number;
  readonly sizeBytes: number;
  /** Slots that it has. */
  readonly slots: number;
  /** Sectors that the map has in it. */
  live: number;
  /** The first generation that reaches it. */
  readonly born: number;
  /** The first generation that no longer reaches it; 0 while one does. */
  dead: number;
}

/** What is known of an object of checkpoints. */
export interface MapRow extends MapName {
  readonly base: number;
  sizeBytes: number;
  /** Bytes of it that the directory refers to. */
  liveBytes: number;
  dead: number;
}
