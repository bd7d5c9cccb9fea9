export { type CacheDevice, connectCache } from './connect.js';
export type { CacheOptions } from './options.js';
export type { CacheSnapshot } from './snapshot.js';
export type { CacheState } from './states.js';
