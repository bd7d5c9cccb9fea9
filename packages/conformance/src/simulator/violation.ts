import { AssertionError } from '../assertions/assertion-error.js';

/** A broken promise: the clauses of the contract that it may be, and where in the simulation it was found. */
export class Violation extends AssertionError {
  /** `O1, O3`. */
  readonly clauses: string;

  constructor(clauses: string, cause: unknown) {
    super({ message: `${clauses}: ${cause instanceof Error ? cause.message : String(cause)}` });
    this.clauses = clauses;
    this.cause = cause;
  }
}

/** The clauses that an operation breaks whose result is wrong. */
export const CLAUSES_OF_RESULT: Readonly<Record<string, string>> = {
  read: 'O1, O3',
  write: 'B2, D2',
  extents: 'Z3',
  flush: 'D1, D4',
  flushRange: 'D1, D4',
  resize: 'S4',
  discard: 'Z1',
  writeZeroes: 'Z1',
};
