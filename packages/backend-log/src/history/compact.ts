import { BlockError } from '@blockyard/block';
import { systemVolumeClock, type VolumeClock } from '@blockyard/volume-root';
import { LogVolume } from '../volume/log-volume.js';
import { openForWriting } from '../volume/opening.js';
import { checkConnectOptions, type LogPlace } from '../volume/options.js';
import { findVolume, nameOf } from '../volume/volume-place.js';

export interface CompactOptions {
  /** Whether the volume is taken from a writer that has it open and is alive. If not, that is `LOCKED`. Default: false. */
  readonly takeOver?: boolean;
  /** Whether a volume is cleaned that has a local tier, and loses what is there alone. If not, that is `TIER_MISSING`. Default: false. */
  readonly acceptLoss?: boolean;
  /** Default: the system's. */
  readonly clock?: VolumeClock;
}

/**
 * Cleans a volume that no one has open until what is stored is at most 1.25 times what is in use. One that is open is cleaned by
 * its writer. What is no longer needed is deleted at once: no one is to be reading the volume as it was.
 */
export async function compactLogVolume(
  options: LogPlace,
  { takeOver = false, acceptLoss = false, clock = systemVolumeClock }: CompactOptions = {},
): Promise<void> {
  const settings = checkConnectOptions({ ...options, clock, takeOver, acceptLoss, minDeleteDelayMs: 0 });
  try {
    const log = new LogVolume(await openForWriting(await findVolume(settings), settings), settings);
    try {
      await log.compact();
    } finally {
      await log.end();
    }
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(settings) });
  }
}
