export { type Case, CLAUSES, type Clause, type Context, type Need, type Wrapped } from './case.js';
export { conformance, conformanceCases, runCase } from './conformance.js';
export { ControlledBase } from './controlled-base.js';
export { CrashCheck } from './crash-check.js';
export { type Contents, CrashMedium, type MediumEvent, replay } from './crash-medium.js';
export { type CrashState, type CrashStatesOptions, crashStates } from './crash-states.js';
export { Oracle, type Pending, type PendingRead, type PendingWrite } from './oracle.js';
export { createRecording, openCrashState, type Recording, type RecordingOptions } from './recording.js';
export { createMemory, createReferenceDevice, type Memory, referenceSubject } from './reference.js';
export { type Run, runWorkload } from './run-workload.js';
export * from './simulator/index.js';
export { stamped, TORN, type Writer, writerOf, writersOf, ZEROES } from './stamp.js';
export {
  type ConformanceOptions,
  type Runner,
  SECTOR_SIZES,
  type Shape,
  type Subject,
  type Volume,
} from './subject.js';
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
} from './workload.js';
