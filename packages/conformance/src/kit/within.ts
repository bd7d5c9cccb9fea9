import { AssertionError } from '../assertions/assertion-error.js';
import type { InFlight } from './in-flight.js';

/** Something took longer than its deadline. */
export class HangError extends AssertionError {}

/** Settles as the promise does. After `deadlineMs` it rejects with a {@link HangError} that names what has not settled. */
export async function within<T>(deadlineMs: number, promise: Promise<T>, what: string, inFlight: InFlight): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const hang = () => {
      const message = `${what} did not settle within ${deadlineMs} ms; ${inFlight.describe()}`;
      reject(new HangError({ message }));
    };
    timer = setTimeout(hang, deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
