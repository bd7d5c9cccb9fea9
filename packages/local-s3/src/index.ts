export { type Fault, type FaultProxy, type ProxiedRequest, startFaultProxy } from './fault-proxy.js';
export { type LocalS3, type LocalS3Options, startLocalS3 } from './local-s3.js';
export { errorAnswer, listingXml, type StoredObject, xmlAnswer } from './memory-s3.js';
export { type AnswerRule, type OddStore, type OddStoreOptions, startOddStore } from './odd-store.js';
export type { StoreAnswer, StoreRequest } from './store-request.js';
export { CONDITIONAL_DELETES, startFaults, startTestStore, type TestStore } from './test-store.js';
