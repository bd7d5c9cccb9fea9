import { macrotasks } from '@blockyard/block/testing';
import type { FaultyStore } from '@blockyard/object-store/faults';

/** Macrotasks after which a process over a store in memory waits for its next request, or has ended. */
const MACROTASKS_TO_REST = 2;

/** Lets processes do one request each at a time, in the order that `choose` gives: of those that want to, which is next. */
export async function interleave(
  processes: readonly { readonly store: FaultyStore; readonly work: () => Promise<unknown> }[],
  choose: (waiting: number) => number,
): Promise<PromiseSettledResult<unknown>[]> {
  const waiting = new Map<number, () => void>();
  processes.forEach(({ store }, at) => {
    store.onRequest = () => ({ kind: 'hold', until: new Promise<void>((resolve) => waiting.set(at, resolve)) });
  });
  const ended = Promise.allSettled(processes.map(({ work }) => work()));
  for (;;) {
    await macrotasks(MACROTASKS_TO_REST);
    const ready = [...waiting].sort(([a], [b]) => a - b);
    if (ready.length === 0) return ended;
    const [at, go] = ready[choose(ready.length)] ?? [0, () => {}];
    waiting.delete(at);
    go();
  }
}

/** Calls `run` with every order of the choices that it makes, and returns how many there are. */
export async function inEveryOrder(run: (choose: (waiting: number) => number) => Promise<void>): Promise<number> {
  let path: { chosen: number; of: number }[] = [];
  for (let orders = 1; ; orders++) {
    let at = 0;
    await run((of) => {
      const step = path[at++] ?? { chosen: 0, of };
      path[at - 1] = step;
      return step.chosen;
    });
    path = path.slice(0, at);
    while (path.length > 0 && (path.at(-1)?.chosen ?? 0) + 1 === path.at(-1)?.of) path.pop();
    const last = path.at(-1);
    if (last === undefined) return orders;
    last.chosen++;
  }
}
