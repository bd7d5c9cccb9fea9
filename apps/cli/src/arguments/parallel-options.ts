import type { ParallelOptions } from '@blockyard/block';
import type { Option } from 'commander';
import type { Context } from '../terminal/context.js';
import { numberOption } from './define.js';

const CONCURRENCY_MAX = 1024;

export function concurrencyOption(): Option {
  const flags = '--concurrency <count>';
  return numberOption(flags, `pieces in flight at once, 1 to ${CONCURRENCY_MAX} (default: 8)`, {
    min: 1,
    max: CONCURRENCY_MAX,
  });
}

/** What `copy` and its kin take of a command line. */
export function parallelOptions(context: Context, concurrency: number | undefined): ParallelOptions {
  return { signal: context.interruption, ...(concurrency === undefined ? {} : { maxConcurrency: concurrency }) };
}
