/** Requests in their order, in columns: byte offset, byte length, 1 for a write. */
export interface Trace {
  readonly name: string;
  /** What the trace counts in. Above 512 its addresses are page numbers, and lines of another size have no meaning. */
  readonly unitBytes: number;
  /** The block size that its author recommends. */
  readonly blockBytes: number;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
  readonly writes: Uint8Array;
  /** When each request came, in milliseconds since the first; undefined where the trace does not tell. */
  readonly timesMs?: Float64Array;
}

/** Whether positions are true to the byte (or sector), so that any block size makes sense. */
export function hasByteAddresses(trace: Trace): boolean {
  return trace.unitBytes <= 512;
}

/** A trace that cannot be read: `where` tells of which file and place. */
export function traceError(where: string, message: string, cause?: unknown): Error {
  return new Error(`${where}: ${message}`, cause === undefined ? undefined : { cause });
}
