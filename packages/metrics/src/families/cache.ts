import type { CacheSnapshot } from '@blockyard/cache';
import { byLabel, type Definition, secondsOf } from './definition.js';

const OPERATION = ['operation'];

/** The write-back cache. */
export const CACHE: readonly Definition<CacheSnapshot>[] = [
  {
    name: 'blockyard_cache_lookups_total',
    type: 'counter',
    help: 'Lines that reads asked for.',
    of: ({ lookups }) => lookups,
  },
  {
    name: 'blockyard_cache_hits_total',
    type: 'counter',
    help: 'Of the lookups, those answered from memory.',
    of: ({ hits }) => hits,
  },
  {
    name: 'blockyard_cache_fetches_total',
    type: 'counter',
    help: 'Misses, by whether a part of the line was fetched or all of it.',
    labels: ['width'],
    of: ({ narrowFetches, wholeFetches }) => byLabel('width', { narrow: narrowFetches, whole: wholeFetches }),
  },
  {
    name: 'blockyard_cache_base_operations_total',
    type: 'counter',
    help: 'Calls of the base that completed.',
    labels: OPERATION,
    of: ({ baseReads, baseWrites, baseZeroes, baseFlushes }) =>
      byLabel('operation', { read: baseReads, write: baseWrites, zero: baseZeroes, flush: baseFlushes }),
  },
  {
    name: 'blockyard_cache_base_bytes_total',
    type: 'counter',
    help: 'Bytes read from the base and written to it.',
    labels: OPERATION,
    of: ({ baseReadBytes, baseWriteBytes }) => byLabel('operation', { read: baseReadBytes, write: baseWriteBytes }),
  },
  {
    name: 'blockyard_cache_base_errors_total',
    type: 'counter',
    help: 'Calls of the base that failed. What fails to be written back is tried again.',
    of: ({ baseErrors }) => baseErrors,
  },
  {
    name: 'blockyard_cache_base_duration_seconds',
    type: 'histogram',
    help: 'How long calls of the base took; a write is one write-back.',
    labels: OPERATION,
    of: ({ latencies: { baseRead, baseWrite, baseFlush } }) =>
      byLabel('operation', { read: baseRead, write: baseWrite, flush: baseFlush }),
  },
  {
    name: 'blockyard_cache_wait_duration_seconds',
    type: 'histogram',
    help: 'How long reads waited for the base or for memory, and writes for memory. What waits for nothing is not counted.',
    labels: OPERATION,
    of: ({ latencies: { readWait, writeWait } }) => byLabel('operation', { read: readWait, write: writeWait }),
  },
  {
    name: 'blockyard_cache_held_bytes',
    type: 'gauge',
    help: 'Memory that the cache holds, bookkeeping included.',
    of: ({ heldBytes }) => heldBytes,
  },
  {
    name: 'blockyard_cache_max_bytes',
    type: 'gauge',
    help: 'The budget: most memory that the cache may hold.',
    of: ({ maxSizeBytes }) => maxSizeBytes,
  },
  {
    name: 'blockyard_cache_lines',
    type: 'gauge',
    help: 'Lines in memory.',
    of: ({ lines }) => lines,
  },
  {
    name: 'blockyard_cache_max_lines',
    type: 'gauge',
    help: 'Lines that there is memory for.',
    of: ({ linesMax }) => linesMax,
  },
  {
    name: 'blockyard_cache_dirty_lines',
    type: 'gauge',
    help: 'Lines with data that the base does not have.',
    of: ({ dirtyLines }) => dirtyLines,
  },
  {
    name: 'blockyard_cache_dirty_bytes',
    type: 'gauge',
    help: 'Data that the base does not have.',
    of: ({ dirtyBytes }) => dirtyBytes,
  },
  {
    name: 'blockyard_cache_oldest_dirty_seconds',
    type: 'gauge',
    help: 'For how long the oldest change that the base does not have has waited; 0 if it has all.',
    of: ({ oldestDirtyMs }) => secondsOf(oldestDirtyMs),
  },
  {
    name: 'blockyard_cache_oldest_unflushed_seconds',
    type: 'gauge',
    help: 'For how long the base has had a change that no flush has followed; 0 if it has none.',
    of: ({ oldestUnflushedMs }) => secondsOf(oldestUnflushedMs),
  },
  {
    name: 'blockyard_cache_parked_lines',
    type: 'gauge',
    help: 'Dirty lines that have to leave, and wait to be written back.',
    of: ({ parkedLines }) => parkedLines,
  },
  {
    name: 'blockyard_cache_zero_ranges',
    type: 'gauge',
    help: 'Zeroed ranges of which the base has not been told.',
    of: ({ zeroRanges }) => zeroRanges,
  },
  {
    name: 'blockyard_cache_lines_written_back_total',
    type: 'counter',
    help: 'Lines that became clean by being written back.',
    of: ({ linesWrittenBack }) => linesWrittenBack,
  },
  {
    name: 'blockyard_cache_write_back_failing',
    type: 'gauge',
    help: '1 while the base fails what is written back; it is tried again.',
    of: ({ writeBackFailure }) => (writeBackFailure === undefined ? 0 : 1),
  },
  {
    name: 'blockyard_cache_waiting_requests',
    type: 'gauge',
    help: 'Requests that wait for memory.',
    of: ({ waitingRequests }) => waitingRequests,
  },
  {
    name: 'blockyard_cache_base_operations_in_flight',
    type: 'gauge',
    help: 'Calls of the base under way.',
    labels: OPERATION,
    of: ({ readsInFlight, writesInFlight }) => byLabel('operation', { read: readsInFlight, write: writesInFlight }),
  },
  {
    name: 'blockyard_cache_lent_lines',
    type: 'gauge',
    help: 'Lines that are lent to callers, one for each loan.',
    of: ({ linesLent }) => linesLent,
  },
  {
    name: 'blockyard_cache_lines_ahead',
    type: 'gauge',
    help: 'Lines on their way in before a request asked for them.',
    of: ({ linesAhead }) => linesAhead,
  },
  {
    name: 'blockyard_cache_warm_up_reads_total',
    type: 'counter',
    help: 'Reads of the base by warm-ups.',
    of: ({ warmUpReads }) => warmUpReads,
  },
  {
    name: 'blockyard_cache_warm_up_read_bytes_total',
    type: 'counter',
    help: 'Bytes read from the base by warm-ups.',
    of: ({ warmUpReadBytes }) => warmUpReadBytes,
  },
  {
    name: 'blockyard_cache_warm_up_failures_total',
    type: 'counter',
    help: 'Warm-ups that ended since a read failed.',
    of: ({ warmUpFailures }) => warmUpFailures,
  },
  {
    name: 'blockyard_cache_warmed_lines_total',
    type: 'counter',
    help: 'Lines that warm-ups brought in.',
    of: ({ linesWarmed }) => linesWarmed,
  },
  {
    name: 'blockyard_cache_warmed_lines_used_total',
    type: 'counter',
    help: 'Of the lines that warm-ups brought in, those that requests have asked for.',
    of: ({ linesWarmedUsed }) => linesWarmedUsed,
  },
];
