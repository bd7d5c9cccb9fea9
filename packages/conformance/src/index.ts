export { type Case, CLAUSES, type Clause, type Context, type Need, type Wrapped } from './case.js';
export { conformance, conformanceCases, runCase } from './conformance.js';
export { ControlledBase } from './controlled-base.js';
export { createMemory, createReferenceDevice, type Memory, referenceSubject } from './reference.js';
export { stamped, TORN, type Writer, writerOf, writersOf, ZEROES } from './stamp.js';
export {
  type ConformanceOptions,
  type Runner,
  SECTOR_SIZES,
  type Shape,
  type Subject,
  type Volume,
} from './subject.js';
