import type { Clock } from '@blockyard/block';
import { formatSize } from '@blockyard/uri';
import { SECTOR_SIZE } from '../inputs/settings.js';
import type { CrashReport } from './model/check-all.js';
import type { Setup } from './setup/setup.js';

/** `1.2 s`. */
export function secondsSince(startMs: number, clock: Clock): string {
  return `${((clock.now() - startMs) / 1000).toFixed(1)} s`;
}

/** `S3, as a log, behind a cache of 16 MiB`. */
export function nameOf({ backend, layout, hasCache, cacheBytes }: Setup): string {
  const places = {
    memory: 'memory',
    file: layout === 'log' ? 'a folder, as a log' : 'a file',
    s3: layout === 'log' ? 'S3, as a log' : 'S3, in chunks',
  };
  return `${places[backend]}, ${hasCache ? `behind a cache of ${formatSize(cacheBytes)}` : 'without a cache'}`;
}

const bytes = (sectors: number) => formatSize(sectors * SECTOR_SIZE);

export function afterCrash({ flushed, kept, forgotten, lost, invented }: CrashReport, seconds: string): string {
  const all = bytes(flushed + kept + forgotten + lost + invented);
  const read = `Started again, and all ${all} read, in ${seconds}`;
  if (lost + invented > 0) {
    return `WRONG: ${read}: ${bytes(lost)} that had been flushed are lost, and ${bytes(invented)} are what no one wrote. This must not be: please report it.`;
  }
  const rest =
    kept + forgotten === 0
      ? ''
      : ` Of what was not flushed ${bytes(kept)} are there, and ${bytes(forgotten)} are as they were before.`;
  return `${read}: every flushed byte is there.${rest}`;
}

export function afterRollBack(name: string, wrong: number, sizeBytes: number, seconds: string): string {
  const read = `Rolled back to ${name}, and all ${formatSize(sizeBytes)} read, in ${seconds}`;
  if (wrong > 0) return `WRONG: ${read}: ${bytes(wrong)} are not what they were. This must not be: please report it.`;
  return `${read}: every byte is what it was at the snapshot.`;
}

export function afterCheck(wrong: number, sizeBytes: number, seconds: string): string {
  const read = `All ${formatSize(sizeBytes)} read in ${seconds}`;
  if (wrong > 0) return `WRONG: ${read}: ${bytes(wrong)} are not what was written. This must not be: please report it.`;
  return `${read}: every byte is what was written last.`;
}
