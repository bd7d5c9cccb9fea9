/**
 * An element of an array of 32-bit integers, at an index that the caller knows to be in it: it comes from the array itself, or
 * was reduced by a mask to less than its length. Says to the compiler what it cannot see, and is nothing at run time. Only for
 * arrays of this one type, since code that saw several would be slower at all of them.
 */
export function intAt(values: Int32Array, index: number): number {
  return values[index] as number;
}
