export { type Case, CLAUSES, type Clause, type Context, type Need, type Wrapped } from './kit/case.js';
export { conformance, conformanceCases, runCase } from './kit/conformance.js';
export { ControlledBase } from './bases/controlled-base.js';
export { CrashCheck } from './model/crash-check.js';
export { type Contents, CrashMedium, type MediumEvent, replay } from './bases/crash-medium.js';
export { type CrashState, type CrashStatesOptions, crashStates } from './bases/crash-states.js';
export { Oracle, type Pending, type PendingRead, type PendingWrite } from './model/oracle.js';
export { createRecording, openCrashState, type Recording, type RecordingOptions } from './bases/recording.js';
export { createMemory, createReferenceDevice, type Memory, referenceSubject } from './bases/reference.js';
export { type Run, runWorkload } from './model/run-workload.js';
export * from './simulator/index.js';
export { stamped, TORN, type Writer, writerOf, writersOf, ZEROES } from './model/stamp.js';
export {
  type ConformanceOptions,
  type Runner,
  SECTOR_SIZES,
  type Shape,
  type Subject,
  type Volume,
} from './kit/subject.js';
export {
  type Batch,
  type Break,
  type FlushStep,
  type RangeStep,
  type ResizeStep,
  type Step,
  type Workload,
  type WorkloadOptions,
  workloads,
} from './model/workload.js';
