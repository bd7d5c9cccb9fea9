/** A value now, or a promise of one. A value now costs no macrotask. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether it is a promise. True for any thenable, so that a promise of another library or realm is waited for too. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<T>).then === 'function';
}
