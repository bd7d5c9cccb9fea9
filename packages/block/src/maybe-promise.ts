/** What may be there at once or later. Being there at once (no promise) costs no turn of the event loop. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether it comes later. True for any thenable, so that a promise of another library or realm is waited for too. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<T>).then === 'function';
}
