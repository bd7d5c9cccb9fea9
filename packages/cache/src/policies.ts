/** The eviction policies by themselves, for those who measure them or write another. */
export { type EvictionPolicy, HEAT_MAX, type PolicyFactory, type PolicyOptions } from './eviction/policy.js';
export { Clock2QPlusPolicy } from './eviction/policy-clock2qplus.js';
export { LruPolicy } from './eviction/policy-lru.js';
export { WTinyLfuPolicy } from './eviction/policy-wtinylfu.js';
