export type { CachedObjectStore } from './cached-store.js';
export { connectObjectCache } from './connect.js';
export type { ObjectScope } from './identity/scopes.js';
export type { ObjectCacheOptions } from './options.js';
export type { MediumSnapshot, ObjectCacheSnapshot } from './snapshot.js';
export type { MediumState } from './tier.js';
