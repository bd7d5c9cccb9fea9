export { connectWriteLog, type WriteLogDevice } from './connect.js';
export { createWriteLog } from './create.js';
export { identifyWriteLog, type WriteLogIdentity } from './identity.js';
export { inspectWriteLog, type WriteLogInspection } from './inspect.js';
export { type LoadedWriteLog, loadWriteLog } from './load.js';
export type { LoadedRecords } from './opening/loaded.js';
export type {
  BaseFacts,
  CreateWriteLogOptions,
  WriteLogClock,
  WriteLogDurability,
  WriteLogOptions,
} from './options.js';
export type { LogMediumSnapshot, WriteLogSnapshot } from './snapshot.js';
