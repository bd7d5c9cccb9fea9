/** The eviction policies by themselves, for whoever measures them or writes another. */
export type { EvictionPolicy, PolicyOptions } from './eviction/policy.js';
export { LruPolicy } from './eviction/policy-lru.js';
export { WTinyLfuPolicy } from './eviction/policy-wtinylfu.js';
