export { connectLog, type LogDevice } from './connect.js';
export { createLogVolume } from './create.js';
export type { Secret } from './encryption/volume-key.js';
export { classOfLogKey } from './format/keys.js';
export { changePassphrase } from './history/change-passphrase.js';
export {
  type CheckOptions,
  type CheckProgress,
  type CheckReport,
  checkLogVolume,
  type Orphan,
  type Problem,
} from './history/check-volume.js';
export { type CloneOptions, createClone } from './history/clone.js';
export { compactLogVolume } from './history/compact.js';
export { type DeleteLogOptions, deleteLogVolume } from './history/delete-volume.js';
export { type ImmutableKeys, immutableKeysOf, type VolumeKeys } from './history/immutable-keys.js';
export { type CheckpointSummary, inspectLogVolume, type VolumeSummary } from './history/inspect.js';
export { type RollBackOptions, rollBack } from './history/roll-back.js';
export { deleteSnapshot, listSnapshots, takeSnapshot } from './history/snapshots.js';
export type { StoredRun } from './reading/stored-runs.js';
export type { SnapshotInfo } from './state/snapshot-entries.js';
export type { SpaceUsed } from './state/space.js';
export { type LoadedLog, loadLog } from './volume/load.js';
export type { LoadedState } from './volume/loaded-state.js';
export type { ConnectLogOptions, CreateLogOptions, LogPlace } from './volume/options.js';
export type { LogStatistics } from './volume/statistics.js';
