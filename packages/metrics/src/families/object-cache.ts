import type { ObjectCacheSnapshot } from '@blockyard/object-cache';
import { byLabel, type Definition, secondsOf } from './definition.js';

/** The object cache on a local disk. */
export const OBJECT_CACHE: readonly Definition<ObjectCacheSnapshot>[] = [
  {
    name: 'blockyard_object_cache_lookups_total',
    type: 'counter',
    help: 'GETs of immutable objects: answered from the medium alone, in part, and not at all.',
    labels: ['outcome'],
    of: ({ hits, partialHits, misses }) => byLabel('outcome', { hit: hits, partial: partialHits, miss: misses }),
  },
  {
    name: 'blockyard_object_cache_hit_bytes_total',
    type: 'counter',
    help: 'Bytes given to callers from the medium.',
    of: ({ hitBytes }) => hitBytes,
  },
  {
    name: 'blockyard_object_cache_fetched_bytes_total',
    type: 'counter',
    help: 'Bytes of immutable objects fetched from the store.',
    of: ({ fetchedBytes }) => fetchedBytes,
  },
  {
    name: 'blockyard_object_cache_kept_bytes_total',
    type: 'counter',
    help: 'Bytes of objects that went to the medium.',
    of: ({ keptBytes }) => keptBytes,
  },
  {
    name: 'blockyard_object_cache_carried_bytes_total',
    type: 'counter',
    help: 'Of the kept bytes, those that were carried on from evicted regions.',
    of: ({ carriedBytes }) => carriedBytes,
  },
  {
    name: 'blockyard_object_cache_evicted_regions_total',
    type: 'counter',
    help: 'Regions of the medium that were evicted.',
    of: ({ evictedRegions }) => evictedRegions,
  },
  {
    name: 'blockyard_object_cache_damaged_ranges_total',
    type: 'counter',
    help: 'Ranges that were dropped because a checksum did not fit.',
    of: ({ damagedRanges }) => damagedRanges,
  },
  {
    name: 'blockyard_object_cache_ranges',
    type: 'gauge',
    help: 'Ranges on the medium.',
    of: ({ ranges }) => ranges,
  },
  {
    name: 'blockyard_object_cache_capacity_bytes',
    type: 'gauge',
    help: 'Bytes of the regions of the medium.',
    of: ({ capacityBytes }) => capacityBytes,
  },
  {
    name: 'blockyard_object_cache_memory_bytes',
    type: 'gauge',
    help: 'Memory for what is on the medium and what was asked for once.',
    of: ({ memoryBytes }) => memoryBytes,
  },
  {
    name: 'blockyard_object_cache_loading',
    type: 'gauge',
    help: '1 while the indexes of the medium are being read.',
    of: ({ isLoading }) => (isLoading ? 1 : 0),
  },
  {
    name: 'blockyard_object_cache_medium_up',
    type: 'gauge',
    help: '1 unless the medium fails.',
    of: ({ medium }) => (medium.state === 'good' ? 1 : 0),
  },
  {
    name: 'blockyard_object_cache_medium_failing_seconds',
    type: 'gauge',
    help: 'For how long the medium has failed; 0 if it does not.',
    of: ({ medium }) => secondsOf(medium.failingMs),
  },
  {
    name: 'blockyard_object_cache_medium_bytes_total',
    type: 'counter',
    help: 'Bytes read from the medium and written to it.',
    labels: ['operation'],
    of: ({ medium }) => byLabel('operation', { read: medium.readBytes, write: medium.writtenBytes }),
  },
  {
    name: 'blockyard_object_cache_medium_reads_total',
    type: 'counter',
    help: 'Calls that read from the medium.',
    of: ({ medium }) => medium.readCalls,
  },
];
