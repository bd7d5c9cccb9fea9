import { AssertionError } from 'node:assert';

/** Something took so long that nobody need wait for it. */
export class HangError extends AssertionError {}

/** The promise, unless it takes longer than that: then the result is a {@link HangError}. */
export async function within<T>(deadlineMs: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${what} did not settle within ${deadlineMs} ms: an operation hangs`;
    timer = setTimeout(() => reject(new HangError({ message })), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
