export { type CombinationOptions, combinations } from './bases/combinations.js';
export { ControlledBase } from './bases/controlled-base.js';
export { type Contents, CrashMedium, type MediumEvent, replay } from './bases/crash-medium.js';
export { type CrashState, crashStates } from './bases/crash-states.js';
export { createGroupLogDevice, GroupLog } from './bases/group-log.js';
export { createRecording, openCrashState, type Recording, type RecordingOptions } from './bases/recording.js';
export { createMemory, createReferenceDevice, type Memory } from './bases/reference.js';
export type { Shape } from './bases/shape.js';
export { CrashCheck } from './model/crash-check.js';
export { Oracle, type Pending, type PendingRead, type PendingWrite } from './model/oracle.js';
export type { Prefixes, PrefixViolation } from './model/prefixes.js';
export { type Run, runWorkload } from './model/run-workload.js';
export { stamped, TORN, type Writer, writerOf, writersOf, ZEROES } from './model/stamp.js';
export {
  type Batch,
  type Break,
  type CrashedBatch,
  type FlushStep,
  type RangeStep,
  type ResizeStep,
  type Step,
  type Workload,
  type WorkloadOptions,
  workloads,
} from './model/workload.js';
