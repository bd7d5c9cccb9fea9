/**
 * Throws where what must hold does not: a fault of the cache itself, after which none of its tables can be trusted. A
 * comparison and no more, so it stays on.
 */
export function invariant(holds: boolean, expectation: string): asserts holds {
  if (!holds) throw new Error(`the cache is broken: ${expectation}`);
}
