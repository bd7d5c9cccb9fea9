/** The eviction policies by themselves, for whoever measures them or writes another. */
export type { EvictionPolicy, PolicyOptions } from './policy.js';
export { LruPolicy } from './policy-lru.js';
export { WTinyLfuPolicy } from './policy-wtinylfu.js';
export { ReadAhead } from './read-ahead.js';
