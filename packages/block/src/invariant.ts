/**
 * Throws where the project's own code has left a state that it must never leave. What a caller or a medium does wrong is a
 * `BlockError`; this is for what would be a mistake in the code that asks, and would lose data if it went on.
 *
 * @param expected what must be true, in words
 */
export function invariant(holds: boolean, expected: string): asserts holds {
  if (!holds) throw new Error(`broken invariant: ${expected}`);
}
