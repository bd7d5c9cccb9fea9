/**
 * `run`, but never twice at once. A call during a run shares one further run, which begins when that one has completed or
 * failed, with all other calls that come before it begins. So the run of each call began after the call, and any number of
 * calls cost at most two runs.
 *
 * @param run reports its failures by rejecting; it must not throw
 * @example
 * ```ts
 * import { coalesce } from '@blockyard/block/async';
 *
 * let runs = 0;
 * const save = coalesce(async () => {
 *   runs++;
 * });
 * await Promise.all([save(), save(), save()]); // the first runs; the others share one that begins after it
 * console.log(runs); // 2
 * ```
 */
export function coalesce<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const start = (): Promise<T> => {
    next = undefined;
    running = runOnce();
    return running;
  };
  const runOnce = async (): Promise<T> => {
    try {
      return await run();
    } finally {
      // Where a further run is due, it begins only after this one's promise has settled: until then calls must still find one
      // running.
      if (next === undefined) running = undefined;
    }
  };
  return () => {
    if (running === undefined) return start();
    next ??= running.then(start, start);
    return next;
  };
}
