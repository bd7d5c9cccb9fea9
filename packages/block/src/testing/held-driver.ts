import type { BlockDriver } from '../index.js';

/** A call that reached a held driver and waits for the test's word. */
export interface HeldCall {
  readonly operation: string;
  readonly args: readonly unknown[];
  /** Lets the wrapped driver carry it out. */
  proceed(): void;
  fail(error: unknown): void;
}

/** A driver whose calls wait until the test decides about them, one by one. */
export interface HeldDriver extends BlockDriver {
  /** Calls that wait, oldest first. */
  readonly held: HeldCall[];
  /** From now on calls go through at once; those that wait do too. */
  release(): void;
}

/** Wraps `inner`. Overlapping calls are kept apart by the device unless `overrides` say otherwise. */
export function holdCalls(inner: BlockDriver, overrides: Partial<BlockDriver> = {}): HeldDriver {
  const held: HeldCall[] = [];
  let isHolding = true;
  const hold =
    <A extends readonly unknown[], T>(operation: string, run: (...args: A) => T) =>
    (...args: A): Promise<T> =>
      new Promise((resolve, reject) => {
        const proceed = () => {
          try {
            resolve(run(...args));
          } catch (error) {
            reject(error);
          }
        };
        if (isHolding) held.push({ operation, args, proceed, fail: reject });
        else proceed();
      });
  const { discard, writeZeroes, extents } = inner;
  return {
    ...inner,
    atomicSectors: false,
    read: hold('read', inner.read),
    write: hold('write', inner.write),
    flush: hold('flush', inner.flush),
    resize: hold('resize', inner.resize),
    disconnect: hold('disconnect', inner.disconnect),
    ...(discard && { discard: hold('discard', discard) }),
    ...(writeZeroes && { writeZeroes: hold('writeZeroes', writeZeroes) }),
    ...(extents && { extents: hold('extents', extents) }),
    ...overrides,
    held,
    release() {
      isHolding = false;
      for (const call of held.splice(0)) call.proceed();
    },
  } as HeldDriver;
}

/** Takes the oldest call that waits, and says what it must be. */
export function take({ held }: HeldDriver, operation: string): HeldCall {
  const call = held.shift();
  if (call?.operation !== operation) throw new Error(`expected ${operation} to wait, not ${call?.operation}`);
  return call;
}

/** Whether the promise has settled, once everything that can happen by itself has happened. */
export async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'resolved' | 'rejected'> {
  let state: 'pending' | 'resolved' | 'rejected' = 'pending';
  promise.then(
    () => {
      state = 'resolved';
    },
    () => {
      state = 'rejected';
    },
  );
  await turn();
  return state;
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The error that the promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a rejection, not ${String(value)}`);
}
