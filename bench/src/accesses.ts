import type { Trace } from './trace.js';

/** A trace split into lines of one size: one access for each line of each request, in ascending order. */
export interface Accesses {
  /** Line number of each access. */
  readonly keys: Float64Array;
  /** The same lines, numbered from 0 in the order of their first use. */
  readonly ids: Int32Array;
  /** Different lines. */
  readonly unique: number;
}

export function accessesOf(trace: Trace, lineBytes: number): Accesses {
  const requests = trace.offsets.length;
  let count = 0;
  for (let i = 0; i < requests; i++) count += lastLine(trace, i, lineBytes) - firstLine(trace, i, lineBytes) + 1;
  const keys = new Float64Array(count);
  let at = 0;
  for (let i = 0; i < requests; i++) {
    const last = lastLine(trace, i, lineBytes);
    for (let line = firstLine(trace, i, lineBytes); line <= last; line++) keys[at++] = line;
  }
  return numbered(keys);
}

/** First line of a request. */
export function firstLine(trace: Trace, request: number, lineBytes: number): number {
  return Math.floor((trace.offsets[request] ?? 0) / lineBytes);
}

/** Last line of a request; before the first if it is empty. */
export function lastLine(trace: Trace, request: number, lineBytes: number): number {
  const length = trace.lengths[request] ?? 0;
  if (length === 0) return firstLine(trace, request, lineBytes) - 1;
  return Math.floor(((trace.offsets[request] ?? 0) + length - 1) / lineBytes);
}

export function numbered(keys: Float64Array): Accesses {
  const idOf = new Map<number, number>();
  const ids = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    let id = idOf.get(key);
    if (id === undefined) {
      id = idOf.size;
      idOf.set(key, id);
    }
    ids[i] = id;
  }
  return { keys, ids, unique: idOf.size };
}
