export { isId, newId } from './ids.js';
export { checkKey, checkStamp, compareKeys } from './keys.js';
export { checkListOptions } from './list.js';
export { type MemoryObject, type MemoryObjects, MemoryStore, type MemoryStoreOptions } from './memory-store.js';
export { type Cost, costOf, type Prices, pricesOf, S3_STANDARD_PRICES, storageUsdPerMonth } from './prices.js';
export { busy, readInto, readWhole, sinkInto } from './read.js';
export { STORE_REQUESTS_CHANNEL, type StoreRequest } from './request-trace.js';
export type { ByteRange, OpenSink, Sink } from './sink.js';
export {
  type AnswerDates,
  type Condition,
  type DeleteResult,
  type Deletion,
  type GetResult,
  type Listed,
  type ListOptions,
  MAX_BATCH_KEYS,
  type ObjectStore,
  type ProbeOptions,
  type PutResult,
  type StoreAbilities,
  type StoreDates,
} from './store.js';
export {
  type ClassOf,
  type Counts,
  copyOfTraffic,
  REQUEST_KINDS,
  type RequestKind,
  type Traffic,
  TrafficCounter,
  trafficBetween,
} from './traffic.js';
export type { ObjectVersion } from './version.js';
