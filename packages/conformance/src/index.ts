export type { CombinationOptions } from './bases/combinations.js';
export type { Shape } from './bases/shape.js';
export { conformance, conformanceCases, runCase } from './conformance.js';
export { type Case, CLAUSES, type Clause, type Context, type Need, type Wrapped } from './kit/case.js';
export { referenceSubject } from './kit/reference-subject.js';
export { type ConformanceOptions, type Runner, SECTOR_SIZES, type Subject, type Volume } from './kit/subject.js';
