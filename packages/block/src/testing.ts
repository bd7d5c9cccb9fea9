export { type HeldCall, type HeldDriver, holdCalls } from './fakes/held-driver.js';
export { ManualClock, type ManualClockOptions, type ManualTimer } from './fakes/manual-clock.js';
export { memoryDriver } from './fakes/memory-driver.js';
export { errorOf, stateOf } from './fakes/promises.js';
export { isSame, sectorsOf } from './fakes/sectors.js';
export { macrotasks, settled, until } from './fakes/settled.js';
export { type SparseDriver, sparseDriver } from './fakes/sparse-driver.js';
