/**
 * `run`, but never twice at once: a call while it runs waits for one run after that, which it shares with all others that
 * wait. So each caller's run began after its call, and any number of callers cost at most two runs.
 */
export function joinNext(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = () => {
    next = undefined;
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running.then(start, start);
    return next;
  };
}
