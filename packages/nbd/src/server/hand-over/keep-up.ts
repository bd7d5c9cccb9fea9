import type { Clock } from '@blockyard/block';

/** How long after one catching up the next begins, so that little is left at the end. */
const KEEP_UP_MS = 250;

/** Catches up again and again until `work` has settled, whatever came of it. Rejects as `catchUp` does. */
export async function keepUp(clock: Clock, work: Promise<unknown>, catchUp: () => Promise<void>): Promise<void> {
  let isOver = false;
  const over = work.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  while (!isOver) {
    let timer: unknown;
    const waited = new Promise<void>((resolve) => {
      timer = clock.set(resolve, KEEP_UP_MS);
    });
    await Promise.race([over, waited]);
    clock.clear(timer);
    if (!isOver) await catchUp();
  }
}
