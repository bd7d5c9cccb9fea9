import type { DeviceInfo, MaybePromise, SectorRange } from '@blockyard/block';
import type { BlockMap } from '@blockyard/cache';
import type { Snapshots } from '@blockyard/metrics';
import type { Controls } from './controls.js';
import type { ServerStatus } from './status/status.js';

/** One of several devices that a page shows. */
export interface PageDevice {
  /** What it is chosen by, as `?device=` of the page's address. */
  readonly name: string;
  readonly source: PageSource;
  /** What can be done with it. Default: nothing. */
  readonly controls?: Controls | undefined;
}

/** What a page shows. */
export interface PageSource {
  /**
   * What there is at this moment; undefined while there is nothing to show, as between a crash and the next start. Called a few
   * times a second while someone looks, and never otherwise.
   */
  look(): MaybePromise<PageLook | undefined>;
}

/** A device, and what is known of it at one moment. */
export interface PageLook {
  /** Tells this device from the one that was shown before: after a restart it is another object, or another text. */
  readonly identity: unknown;
  readonly info: DeviceInfo;
  /** `exports` has one entry: that of the device. */
  readonly snapshots: Snapshots;
  /** Whether it is safe to stop, and how the store is. Left out where no one keeps track of that. */
  readonly status?: ServerStatus | undefined;
  /** The states of a range. Left out where there is no cache. */
  readonly map?: MapOf | undefined;
  /** What of a range is on a local disk and not in memory. Left out where there is no such disk. */
  readonly tier?: TierOf | undefined;
}

/** Ranges of sectors, each sector in one of them at most, and undefined after a small step. */
export type TierOf = (start: number, count: number) => Generator<SectorRange | undefined, void, undefined>;

/**
 * A range of sectors in at most so many cells. A generator works in small steps, so that what a million lines cost is spread
 * over time; a promise is for what another process answers.
 */
export type MapOf = (
  start: number,
  count: number,
  maxCells: number,
) => Generator<undefined, BlockMap, undefined> | Promise<BlockMap>;
