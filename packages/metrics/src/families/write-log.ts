import type { WriteLogSnapshot } from '@blockyard/write-log';
import { type Definition, secondsOf } from './definition.js';

/** The write log on a local disk. */
export const WRITE_LOG: readonly Definition<WriteLogSnapshot>[] = [
  {
    name: 'blockyard_write_log_undrained_bytes',
    type: 'gauge',
    help: 'Data that are not known to be durable on the base.',
    of: ({ undrainedBytes }) => undrainedBytes,
  },
  {
    name: 'blockyard_write_log_undrained_records',
    type: 'gauge',
    help: 'Records of the log that have such data, or zeroes.',
    of: ({ undrainedRecords }) => undrainedRecords,
  },
  {
    name: 'blockyard_write_log_oldest_undrained_seconds',
    type: 'gauge',
    help: 'For how long the oldest of it has been waiting; 0 if there is none.',
    of: ({ oldestUndrainedMs }) => secondsOf(oldestUndrainedMs),
  },
  {
    name: 'blockyard_write_log_drain_failing',
    type: 'gauge',
    help: '1 while what is undrained does not reach the base.',
    of: ({ drainError }) => (drainError === undefined ? 0 : 1),
  },
  {
    name: 'blockyard_write_log_ring_bytes',
    type: 'gauge',
    help: 'Bytes of the ring on the medium.',
    of: ({ ringBytes }) => ringBytes,
  },
  {
    name: 'blockyard_write_log_ring_used_ratio',
    type: 'gauge',
    help: 'Part of the ring that is taken; 0 to 1.',
    of: ({ ringUsedShare }) => ringUsedShare,
  },
  {
    name: 'blockyard_write_log_memory_bytes',
    type: 'gauge',
    help: 'Memory of the log.',
    of: ({ memoryBytes }) => memoryBytes,
  },
  {
    name: 'blockyard_write_log_attached',
    type: 'gauge',
    help: '1 while the base knows that this tier may have what it does not.',
    of: ({ isAttached }) => (isAttached ? 1 : 0),
  },
  {
    name: 'blockyard_write_log_medium_up',
    type: 'gauge',
    help: '1 unless the medium fails: then what is accepted goes to the base alone.',
    of: ({ medium }) => (medium.state === 'good' ? 1 : 0),
  },
  {
    name: 'blockyard_write_log_medium_failing_seconds',
    type: 'gauge',
    help: 'For how long the medium has failed; 0 if it does not.',
    of: ({ medium }) => secondsOf(medium.failingMs),
  },
  {
    name: 'blockyard_write_log_accepted_bytes_total',
    type: 'counter',
    help: 'Data of writes that were accepted.',
    of: ({ acceptedBytes }) => acceptedBytes,
  },
  {
    name: 'blockyard_write_log_medium_written_bytes_total',
    type: 'counter',
    help: 'Bytes written to the medium.',
    of: ({ mediumWrittenBytes }) => mediumWrittenBytes,
  },
  {
    name: 'blockyard_write_log_medium_flushes_total',
    type: 'counter',
    help: 'Flushes of the medium.',
    of: ({ mediumFlushes }) => mediumFlushes,
  },
  {
    name: 'blockyard_write_log_flushes_total',
    type: 'counter',
    help: 'Flushes that callers asked for.',
    of: ({ flushes }) => flushes,
  },
  {
    name: 'blockyard_write_log_drains_total',
    type: 'counter',
    help: 'Times that a batch was brought to the base and flushed there.',
    of: ({ drains }) => drains,
  },
];
