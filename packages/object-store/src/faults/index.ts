export type { Fault, StoreRequest } from './fault.js';
export { FaultyStore } from './faulty-store.js';
