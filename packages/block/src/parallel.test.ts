import { describe, expect, test } from 'vitest';
import { ByteView } from './byte-view.js';
import type { Piece } from './grid.js';
import { type BlockDriver, createDevice } from './index.js';
import { type Plan, planOf, runParallel, type Worker } from './parallel.js';
import { errorOf, stateOf, turn } from './testing/held-driver.js';
import { memoryDriver } from './testing/memory-driver.js';

const MiB = 1 << 20;

function view(sectorSize: number, preferredIoBytes: number, offsetBytes = 0): ByteView {
  const driver: BlockDriver = { ...memoryDriver(512, 0), sectorSize, sizeSectors: 2 ** 20, preferredIoBytes };
  return new ByteView(createDevice(driver), offsetBytes);
}

describe('A plan', () => {
  test('cuts chunks of a megabyte or more, whole in the sizes that all devices prefer', () => {
    const chunks = (...preferred: number[]) => {
      const views = preferred.map((bytes) => view(512, bytes));
      const { grainBytes, chunkBytes } = planOf({}, 2 ** 29, ...views).grid;
      return [grainBytes, chunkBytes];
    };
    expect(chunks(65_536)).toEqual([65_536, MiB]);
    expect(chunks(65_536, 4096)).toEqual([65_536, MiB]);
    expect(chunks(4096, 4 * MiB)).toEqual([4 * MiB, 4 * MiB]);
    expect(chunks(3 * 65_536, 2 * 65_536)).toEqual([6 * 65_536, 18 * 65_536]);
    // Two that do not go together: the one that is written counts.
    expect(chunks(512 * 10_007, 512 * 5003)).toEqual([512 * 5003, 512 * 5003]);
    expect(chunks(512, 512 * 1_000_003)).toEqual([512, MiB]);
  });

  test('puts the lines where the last device has them, unless they would cut the other one’s sectors', () => {
    expect(planOf({}, 4096, view(512, 65_536), view(512, 65_536, 1536)).grid.phaseBytes).toBe(1536);
    expect(planOf({}, 4096, view(4096, 65_536), view(512, 65_536, 1536)).grid.phaseBytes).toBe(0);
    expect(planOf({}, 4096, view(512, 65_536, MiB + 4096)).grid.phaseBytes).toBe(4096);
  });

  test('holds no more memory than the work needs', () => {
    expect(planOf({}, 5000, view(512, 65_536), view(4096, 65_536)).scratchBytes).toBe(8192);
    expect(planOf({}, 2 ** 29, view(512, 65_536)).scratchBytes).toBe(MiB);
  });

  test('takes the options it is given', () => {
    const plan = planOf({ chunkBytes: 98_304, concurrency: 3 }, 2 ** 29, view(512, 65_536));
    expect(plan).toMatchObject({ concurrency: 3, scratchBytes: 98_304 });
    expect(plan.grid).toEqual({ grainBytes: 32_768, chunkBytes: 98_304, phaseBytes: 0 });
  });

  test.each([
    ['INVALID_ARGUMENT', { concurrency: 0 }],
    ['INVALID_ARGUMENT', { concurrency: 1025 }],
    ['INVALID_ARGUMENT', { concurrency: 1.5 }],
    ['INVALID_ARGUMENT', { chunkBytes: 0 }],
    ['INVALID_ARGUMENT', { chunkBytes: -4096 }],
    ['INVALID_ARGUMENT', { chunkBytes: 2 ** 31 }],
    ['UNALIGNED', { chunkBytes: 512 }],
  ])('refuses with %s the options %o', (code, options) => {
    expect(() => planOf(options, 4096, view(512, 65_536), view(4096, 65_536))).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

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
    let turns = 0;
    let isRunning = true;
    const count = () => {
      turns++;
      if (isRunning) setImmediate(count);
    };
    setImmediate(count);
    await runParallel(pieces(500, MiB), async () => undefined, plan());
    isRunning = false;
    expect(turns).toBeGreaterThan(5);
  });
});
