import type { LogStatistics } from '@blockyard/backend-log';
import { type Prices, storageUsdPerMonth } from '@blockyard/object-store';
import { byLabel, type Definition, secondsOf } from './definition.js';

/** A log volume that is open for writing. */
export function logMetrics(prices: Prices): readonly Definition<LogStatistics>[] {
  return [
    {
      name: 'blockyard_log_unflushed_bytes',
      type: 'gauge',
      help: 'Data that are accepted and not durable.',
      of: ({ unflushedBytes }) => unflushedBytes,
    },
    {
      name: 'blockyard_log_oldest_unflushed_seconds',
      type: 'gauge',
      help: 'For how long the oldest change has waited that is accepted and not durable; 0 if there is none.',
      of: ({ oldestUnflushedMs }) => secondsOf(oldestUnflushedMs),
    },
    {
      name: 'blockyard_log_durable_bytes_total',
      type: 'counter',
      help: 'Data that were accepted and have become durable.',
      of: ({ durableBytes }) => durableBytes,
    },
    {
      name: 'blockyard_log_memory_bytes',
      type: 'gauge',
      help: 'Memory of segments and of the map.',
      labels: ['part'],
      of: ({ segmentMemoryBytes, mapMemoryBytes }) =>
        byLabel('part', { segments: segmentMemoryBytes, map: mapMemoryBytes }),
    },
    {
      name: 'blockyard_log_stored_bytes',
      type: 'gauge',
      help: 'Bytes of the objects in the store: of data, and of the map.',
      labels: ['part'],
      of: ({ space }) => byLabel('part', { data: space.dataBytes, map: space.mapBytes }),
    },
    {
      name: 'blockyard_log_live_bytes',
      type: 'gauge',
      help: 'Bytes of sectors that the volume, as it is now, has in objects.',
      of: ({ space }) => space.liveBytes,
    },
    {
      name: 'blockyard_log_dead_bytes',
      type: 'gauge',
      help: 'Bytes of data objects that hold no such sector: overwritten, kept for a snapshot alone, or headers.',
      of: ({ space }) => Math.max(0, space.dataBytes - space.liveBytes),
    },
    {
      name: 'blockyard_log_storage_dollars_per_month',
      type: 'gauge',
      help: 'What the stored bytes cost in a month, in US dollars, by the prices that are set.',
      of: ({ space }) => storageUsdPerMonth(space.dataBytes + space.mapBytes, prices),
    },
    {
      name: 'blockyard_log_objects',
      type: 'gauge',
      help: 'Objects in the store.',
      of: ({ space }) => space.objects,
    },
    {
      name: 'blockyard_log_shared_bytes',
      type: 'gauge',
      help: 'Bytes of data objects of the volumes that a clone is made of, which it needs.',
      of: ({ space }) => space.sharedBytes,
    },
    {
      name: 'blockyard_log_alive_ratio',
      type: 'gauge',
      help: 'Share of the slots in use, of objects of which anything is; 0 to 1.',
      of: ({ aliveShare }) => aliveShare,
    },
    {
      name: 'blockyard_log_objects_to_delete',
      type: 'gauge',
      help: 'Objects that wait to be deleted.',
      of: ({ objectsToDelete }) => objectsToDelete,
    },
    {
      name: 'blockyard_log_checkpoint_generation',
      type: 'gauge',
      help: 'Number of the last checkpoint.',
      of: ({ checkpoint }) => checkpoint.generation,
    },
    {
      name: 'blockyard_log_checkpoint_age_seconds',
      type: 'gauge',
      help: 'Since the last checkpoint, or since the volume was opened.',
      of: ({ checkpoint }) => secondsOf(checkpoint.ageMs),
    },
    {
      name: 'blockyard_log_segments_behind_checkpoint',
      type: 'gauge',
      help: 'Segments that the next opening would replay.',
      of: ({ checkpoint }) => checkpoint.segmentsBehind,
    },
    {
      name: 'blockyard_log_cleaning_packs_total',
      type: 'counter',
      help: 'Objects that cleaning has written.',
      of: ({ cleaning }) => cleaning.packs,
    },
    {
      name: 'blockyard_log_cleaning_moved_bytes_total',
      type: 'counter',
      help: 'Data that cleaning has moved.',
      of: ({ cleaning }) => cleaning.movedBytes,
    },
  ];
}
