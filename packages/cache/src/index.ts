export type { CacheState } from '@blockyard/block';
export type { LatencySummary } from './base/latencies.js';
export { type CacheDevice, connectCache } from './connect.js';
export type { CacheOptions } from './options.js';
export { type BlockMap, CELL_STATES, type CellState } from './report/block-map.js';
export type { CacheSnapshot } from './report/snapshot.js';
