/**
 * Calls `work` for every item, up to `concurrency` at once, begun in their order. After the first failure, and once `signal`
 * fired, begins nothing more, waits for what is in flight, and rejects.
 */
export async function inParallel<T>(
  items: AsyncIterable<T>,
  concurrency: number,
  signal: AbortSignal,
  work: (item: T, worker: number) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  let failed = false;
  const worker = async (_: unknown, number: number) => {
    try {
      while (!failed) {
        signal.throwIfAborted();
        const { done, value } = await iterator.next();
        if (done) return;
        await work(value, number);
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: concurrency }, worker));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
