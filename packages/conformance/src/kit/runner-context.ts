/**
 * What runners hand to the body of a test, as far as the kit needs it: vitest and node:test a context as its argument, mocha
 * one as its `this`. Others pass nothing.
 */
interface TestContext {
  /** Reports the test as not run. Throws with vitest and mocha, returns with node:test. */
  skip?(reason?: string): unknown;
  /** Mocha's own. */
  timeout?(timeoutMs: number): unknown;
}

/** How a registered body is called. It declares no parameter, since mocha would treat one as a callback. */
export type Body = (this: unknown, ...args: unknown[]) => Promise<void>;

/** Reports the test as not run, if the runner can. Whether it could, where that does not throw. */
export function skip(self: unknown, args: readonly unknown[], reason: string): boolean {
  for (const candidate of [args[0], self]) {
    if (!isContext(candidate) || typeof candidate.skip !== 'function') continue;
    candidate.skip(reason);
    return true;
  }
  return false;
}

/** Tells a runner so that learns it from the body alone how long the test may take. */
export function allow(self: unknown, timeoutMs: number): void {
  if (isContext(self) && typeof self.timeout === 'function') self.timeout(timeoutMs);
}

function isContext(value: unknown): value is TestContext {
  // Vitest's is a function.
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
