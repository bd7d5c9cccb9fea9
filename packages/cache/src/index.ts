export { type BlockMap, CELL_STATES, type CellState } from './block-map.js';
export { type CacheDevice, connectCache } from './connect.js';
export type { LatencySummary } from './latencies.js';
export type { CacheOptions } from './options.js';
export type { CacheSnapshot } from './snapshot.js';
export type { CacheState } from './states.js';
