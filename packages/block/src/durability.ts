/**
 * What keeps data: `memory` of a process or of the kernel, which ends with the machine's power at the latest; a `local` disk; a
 * `store` of objects; a `server`, by what it promises.
 */
export type DurabilityClass = 'memory' | 'local' | 'store' | 'server';

/** All classes, for exhaustive tables and checks. */
export const DURABILITY_CLASSES = ['memory', 'local', 'store', 'server'] as const satisfies readonly DurabilityClass[];

/** Where data are when an operation has resolved. */
export interface Durability {
  /** When a `write` has. */
  readonly write: DurabilityClass;
  /** When a `flush` has. */
  readonly flush: DurabilityClass;
}
