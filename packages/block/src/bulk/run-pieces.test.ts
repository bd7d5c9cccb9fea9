import { describe, expect, test } from 'vitest';
import { errorOf, settled, stateOf } from '../testing.js';
import type { Piece } from './alignment.js';
import type { Plan } from './plan.js';
import { runPieces, type Worker } from './run-pieces.js';

const MiB = 1 << 20;

function* pieces(count: number, lengthBytes = 1): Generator<Piece> {
  for (let i = 0; i < count; i++) yield { start: i * lengthBytes, end: (i + 1) * lengthBytes };
}

const plan = (rest: Partial<Plan> = {}): Plan => ({
  alignment: { grainBytes: 1, pieceBytes: 1, phaseBytes: 0 },
  maxConcurrency: 3,
  signal: undefined,
  scratchBytes: 8,
  ...rest,
});

/** Work that waits until the test ends it, piece by piece. */
function desk() {
  const begun: number[] = [];
  const workers: Worker[] = [];
  const ends: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const work = ({ start }: Piece, worker: Worker) => {
    begun.push(start);
    workers.push(worker);
    return new Promise<void>((resolve, reject) => {
      ends[start] = { resolve, reject };
    });
  };
  return { begun, workers, ends, work };
}

describe('runPieces', () => {
  test('keeps as many pieces in flight as the plan says', async () => {
    const { begun, ends, work } = desk();
    const running = runPieces(pieces(4), work, plan());
    await settled();
    expect(begun).toEqual([0, 1, 2]);
    ends[1]?.resolve();
    await settled();
    expect(begun).toEqual([0, 1, 2, 3]);
    for (const i of [0, 2, 3]) ends[i]?.resolve();
    await running;
  });

  test('begins nothing more once it is done', async () => {
    const begun: number[] = [];
    const work = async ({ start }: Piece) => void begun.push(start);
    await runPieces(pieces(9), work, plan({ maxConcurrency: 1 }), () => begun.length === 2);
    expect(begun).toEqual([0, 1]);
  });

  test('tells the workers that are left when one has failed', async () => {
    const { workers, ends, work } = desk();
    const running = runPieces(pieces(9), work, plan());
    await settled();
    expect(workers.map((worker) => worker.isStopped())).toEqual([false, false, false]);
    ends[1]?.reject(new Error('first'));
    expect(await stateOf(running)).toBe('pending');
    expect(workers[0]?.isStopped()).toBe(true);
    ends[0]?.resolve();
    ends[2]?.resolve();
    expect(await errorOf(running)).toMatchObject({ message: 'first' });
  });

  test('after an abort tells the workers, waits for what is in flight and rejects with the reason', async () => {
    const { begun, workers, ends, work } = desk();
    const abort = new AbortController();
    const running = runPieces(pieces(9), work, plan({ signal: abort.signal }));
    await settled();
    const reason = new Error('enough');
    abort.abort(reason);
    expect(workers[0]?.isStopped()).toBe(true);
    expect(await stateOf(running)).toBe('pending');
    for (const end of ends) end.resolve();
    expect(await errorOf(running)).toMatchObject({ code: 'ABORTED', cause: reason });
    expect(begun).toEqual([0, 1, 2]);
  });

  test('aborted from the start begins nothing', async () => {
    const { begun, work } = desk();
    const signal = AbortSignal.abort();
    expect(await errorOf(runPieces(pieces(9), work, plan({ signal })))).toMatchObject({ code: 'ABORTED' });
    expect(begun).toEqual([]);
  });

  test('gives each worker buffers of its own, made once', async () => {
    const buffers = new Map<Worker, Set<Uint8Array>>();
    const work = async (_: Piece, worker: Worker) => {
      const own = buffers.get(worker) ?? new Set();
      buffers.set(worker, own.add(worker.scratch()).add(worker.scratch(1)));
      await settled();
    };
    await runPieces(pieces(20), work, plan());
    const all = [...buffers.values()].flatMap((own) => [...own]);
    expect(buffers.size).toBe(3);
    expect(new Set(all).size).toBe(6);
    expect(all.every(({ byteLength }) => byteLength === 8)).toBe(true);
  });

  test('yields to the event loop, though no piece ever waits for anything', async () => {
    let hasYielded = false;
    setImmediate(() => {
      hasYielded = true;
    });
    await runPieces(
      pieces(1e6, MiB),
      async () => {},
      plan(),
      () => hasYielded,
    );
    expect(hasYielded).toBe(true);
  });
});
