import { describe, expect, test } from 'vitest';
import type { Piece } from './alignment.js';
import { runParallel, type Worker } from './run-plan.js';
import type { Plan } from './plan.js';
import { errorOf, stateOf, turn } from '../testing/held-driver.js';

const MiB = 1 << 20;

function* pieces(count: number, lengthBytes = 1): Generator<Piece> {
  for (let i = 0; i < count; i++) yield { start: i * lengthBytes, end: (i + 1) * lengthBytes };
}

const plan = (rest: Partial<Plan> = {}): Plan => ({
  grid: { grainBytes: 1, chunkBytes: 1, phaseBytes: 0 },
  concurrency: 3,
  signal: undefined,
  scratchBytes: 8,
  ...rest,
});

/** Work that waits until the test ends it, piece by piece. */
function desk() {
  const begun: number[] = [];
  const ends: { resolve: (value: 'stop' | undefined) => void; reject: (error: unknown) => void }[] = [];
  const work = ({ start }: Piece) => {
    begun.push(start);
    return new Promise<'stop' | undefined>((resolve, reject) => {
      ends[start] = { resolve, reject };
    });
  };
  return { begun, ends, work };
}

describe('runParallel', () => {
  test('keeps as many pieces in flight as it may, begun in their order', async () => {
    const { begun, ends, work } = desk();
    const running = runParallel(pieces(5), work, plan());
    await turn();
    expect(begun).toEqual([0, 1, 2]);
    ends[1]?.resolve(undefined);
    await turn();
    expect(begun).toEqual([0, 1, 2, 3]);
    for (const i of [0, 2, 3]) ends[i]?.resolve(undefined);
    await turn();
    ends[4]?.resolve(undefined);
    await running;
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  test('after an error begins nothing more, and reports the first one once all has settled', async () => {
    const { begun, ends, work } = desk();
    const running = runParallel(pieces(9), work, plan());
    await turn();
    const first = new Error('first');
    ends[2]?.reject(first);
    await turn();
    ends[0]?.reject(new Error('second'));
    expect(await stateOf(running)).toBe('pending');
    ends[1]?.resolve(undefined);
    expect(await errorOf(running)).toBe(first);
    expect(begun).toEqual([0, 1, 2]);
  });

  test('after an error does not begin a piece that comes late', async () => {
    let arrive = () => {};
    async function* late(): AsyncGenerator<Piece> {
      yield { start: 0, end: 1 };
      await new Promise<void>((resolve) => {
        arrive = resolve;
      });
      yield { start: 1, end: 2 };
    }
    const { begun, ends, work } = desk();
    const running = runParallel(late(), work, plan());
    await turn();
    ends[0]?.reject(new Error('first'));
    expect(await stateOf(running)).toBe('pending');
    arrive();
    expect(await errorOf(running)).toMatchObject({ message: 'first' });
    expect(begun).toEqual([0]);
  });

  test('after "stop" waits for what is in flight and resolves', async () => {
    const { begun, ends, work } = desk();
    const running = runParallel(pieces(9), work, plan());
    await turn();
    ends[2]?.resolve('stop');
    expect(await stateOf(running)).toBe('pending');
    ends[0]?.resolve(undefined);
    ends[1]?.resolve(undefined);
    await running;
    expect(begun).toEqual([0, 1, 2]);
  });

  test('works on every piece that it took before the "stop"', async () => {
    const done: number[] = [];
    const work = async ({ start }: Piece): Promise<'stop' | undefined> => {
      done.push(start);
      return start === 4 ? 'stop' : undefined;
    };
    await runParallel(pieces(100), work, plan({ concurrency: 8 }));
    expect(done.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(done).toEqual(done.map((_, i) => i));
  });

  test('after an abort waits for what is in flight and rejects with the reason', async () => {
    const { begun, ends, work } = desk();
    const abort = new AbortController();
    const running = runParallel(pieces(9), work, plan({ signal: abort.signal }));
    await turn();
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await stateOf(running)).toBe('pending');
    for (const end of ends) end.resolve(undefined);
    expect(await errorOf(running)).toMatchObject({ code: 'ABORTED', cause: reason });
    expect(begun).toEqual([0, 1, 2]);
  });

  test('aborted from the start begins nothing', async () => {
    const { begun, work } = desk();
    const signal = AbortSignal.abort();
    expect(await errorOf(runParallel(pieces(9), work, plan({ signal })))).toMatchObject({ code: 'ABORTED' });
    expect(begun).toEqual([]);
  });

  test('reports an error in the making of the pieces', async () => {
    async function* failing(): AsyncGenerator<Piece> {
      yield { start: 0, end: 1 };
      throw new Error('no extents');
    }
    expect(await errorOf(runParallel(failing(), async () => undefined, plan()))).toMatchObject({
      message: 'no extents',
    });
  });

  test('gives each worker buffers of its own, made once', async () => {
    const buffers = new Map<Worker, Set<Uint8Array>>();
    const work = async (_: Piece, worker: Worker): Promise<undefined> => {
      const own = buffers.get(worker) ?? new Set();
      buffers.set(worker, own.add(worker.scratch()).add(worker.scratch(1)));
      await turn();
    };
    await runParallel(pieces(20), work, plan());
    const all = [...buffers.values()].flatMap((own) => [...own]);
    expect(buffers.size).toBe(3);
    expect(new Set(all).size).toBe(6);
    expect(all.every(({ byteLength }) => byteLength === 8)).toBe(true);
  });

  test('lets the event loop turn, though no piece ever waits for anything', async () => {
    let hasTurned = false;
    setImmediate(() => {
      hasTurned = true;
    });
    await runParallel(pieces(1e6, MiB), async () => (hasTurned ? 'stop' : undefined), plan());
    expect(hasTurned).toBe(true);
  });
});
