import { macrotasks } from '@blockyard/block/testing';
import type { Context } from './case.js';

/** Milliseconds between two looks. */
const LOOK_EVERY_MS = 10;

/** Looks again and again for a while at something that has settled, to see what comes late. `look` throws if it sees it. */
export async function keepLooking({ watchMs }: Context, look: () => Promise<void> | void): Promise<void> {
  const endsAtMs = performance.now() + watchMs;
  do {
    await look();
    await macrotasks(1);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  } while (performance.now() < endsAtMs);
  await look();
}
