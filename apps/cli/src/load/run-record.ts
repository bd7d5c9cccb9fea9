import type { Durability } from '@blockyard/uri';
import type { Explained } from '../explain/slowest.js';
import type { Summary } from './latency.js';
import type { Costs, Measured } from './measured.js';
import type { TimelineSummary } from './timeline.js';

/** What a run of `bench` or `replay` was and did: a part of what they print with `--json`, and all that a report needs. */
export interface RunRecord extends Costs {
  readonly format: typeof RUN_FORMAT;
  readonly version: string;
  readonly command: 'bench' | 'replay';
  /** The load in some words. */
  readonly what: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly device: string;
  readonly sizeBytes: number;
  /** Of the cache before the device; null: none. */
  readonly cacheBytes: number | null;
  /** Where what was written is, and what was flushed. */
  readonly durability: Durability;
  readonly seconds: number;
  readonly flushSeconds: number;
  readonly reads: Summary;
  readonly writes: Summary;
  readonly timeline: TimelineSummary;
  /** The slowest requests, and what they spent their time in. Left out where no one asked for it. */
  readonly explained?: readonly Explained[];
}

/** What of a record is measured by the run itself. */
export type Measurements = Pick<RunRecord, 'seconds' | 'flushSeconds' | 'reads' | 'writes' | 'timeline' | 'explained'>;

/** The record of a run that has ended. */
export function recordOf(
  run: Pick<RunRecord, 'version' | 'command' | 'what' | 'startedAt'>,
  { name, device, cacheBytes, durability }: Measured,
  measurements: Measurements,
  costs: Costs,
): RunRecord {
  const { sectorSize, sizeSectors } = device.info;
  const facts = { device: name, sizeBytes: sectorSize * sizeSectors, cacheBytes, durability };
  return { format: RUN_FORMAT, ...run, ...facts, ...measurements, ...costs };
}

/** Changes where a field gets another meaning. */
export const RUN_FORMAT = 'blockyard-run-1';
