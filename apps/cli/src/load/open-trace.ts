import { Failure, messageOf } from '../terminal/failure.js';
import { readTrace } from '../trace/read-trace.js';
import type { Trace } from '../trace/trace.js';

/** A trace that a command line names. Rejects with a `Failure`. */
export async function openTrace(file: string): Promise<Trace> {
  try {
    return await readTrace(file);
  } catch (error) {
    throw new Failure(
      `cannot read the trace: ${messageOf(error)}`,
      'is the name right? the README tells the two formats',
      error,
    );
  }
}
