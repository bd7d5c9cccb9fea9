import type { BlockDriver } from '../index.js';

/** A call that has reached a held driver and waits for the test. */
export interface HeldCall {
  readonly operation: string;
  readonly args: readonly unknown[];
  /** Has the wrapped driver carry it out. */
  carryOut(): void;
  /** Has it fail, with nothing carried out. */
  fail(error: unknown): void;
}

/** A driver whose calls wait until a test decides about each. */
export interface HeldDriver extends BlockDriver {
  /** Calls that wait, oldest first. */
  readonly held: HeldCall[];
  /** Takes the oldest call that waits, which must be of this operation. */
  take(operation: string): HeldCall;
  /** Has those that wait, and from now on all others, carried out at once. */
  release(): void;
}

/** Wraps `inner`. The device keeps overlapping calls apart, unless `overrides` say otherwise. */
export function holdCalls(inner: BlockDriver, overrides: Partial<BlockDriver> = {}): HeldDriver {
  const held: HeldCall[] = [];
  let isHolding = true;
  const hold =
    <A extends readonly unknown[], T>(operation: string, run: (...args: A) => T) =>
    (...args: A): Promise<T> =>
      new Promise((resolve, reject) => {
        const carryOut = () => {
          try {
            resolve(run(...args));
          } catch (error) {
            reject(error);
          }
        };
        if (isHolding) held.push({ operation, args, carryOut, fail: reject });
        else carryOut();
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
    take(operation) {
      const call = held.shift();
      if (call?.operation !== operation) throw new Error(`expected ${operation} to wait, not ${call?.operation}`);
      return call;
    },
    release() {
      isHolding = false;
      for (const call of held.splice(0)) call.carryOut();
    },
  } as HeldDriver;
}
