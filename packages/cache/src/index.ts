export type { CacheState } from '@blockyard/block';
export type { LatencySummary } from './base/latencies.js';
export { type CacheDevice, connectCache } from './connect.js';
export type { CacheOptions } from './options.js';
export type { HotRange } from './read-ahead/read-plan.js';
export type { WarmUpResult } from './read-ahead/warm-up.js';
export type { WarmUpOptions } from './read-ahead/warm-up-options.js';
export { type BlockMap, CELL_STATES, type CellState } from './report/block-map.js';
export type { CacheSnapshot } from './report/snapshot.js';
