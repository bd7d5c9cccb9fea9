import { AssertionError } from 'node:assert';

/** The promise, unless it takes longer than that: then something hangs, and the result is an AssertionError that says so. */
export async function within<T>(deadlineMs: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${what} did not settle within ${deadlineMs} ms: an operation hangs`;
    timer = setTimeout(() => reject(new AssertionError({ message })), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
