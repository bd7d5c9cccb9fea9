import { newId } from '@blockyard/object-store';
import type { Store } from './sides.js';
import { openStore } from './store.js';

/** Bytes of a segment with one sector of 4 KiB. */
const PUT_BYTES = 4300;
const PUTS = 40;

/** An upload as a volume makes it: so many bytes in pieces, some of them at once. */
const UPLOAD_BYTES = 128 * 2 ** 20;
const UPLOAD_PIECE_BYTES = 8 * 2 ** 20;
const UPLOAD_CONCURRENCY = 4;

/** Milliseconds of each of some PUTs, one after the other: the least that a flush to that store can take. */
export async function timePuts(store: Store, prefix: string): Promise<number[]> {
  const body = new Uint8Array(PUT_BYTES).fill(7);
  return await withPut(store, prefix, async (put) => {
    const times: number[] = [];
    for (let at = 0; at < PUTS; at++) {
      const start = performance.now();
      await put(body);
      times.push(performance.now() - start);
    }
    return times;
  });
}

/** Seconds of PUTs of 128 MiB in all: the least that writing as much to that store can take. */
export async function timeUpload(store: Store, prefix: string): Promise<number> {
  const body = new Uint8Array(UPLOAD_PIECE_BYTES).fill(7);
  return await withPut(store, prefix, async (put) => {
    const start = performance.now();
    let left = UPLOAD_BYTES / UPLOAD_PIECE_BYTES;
    const send = async () => {
      while (left-- > 0) await put(body);
    };
    await Promise.all(Array.from({ length: UPLOAD_CONCURRENCY }, send));
    return (performance.now() - start) / 1000;
  });
}

/** Calls `use` with a function that puts one object, over a connection that is open. */
async function withPut<T>(store: Store, prefix: string, use: (put: (body: Uint8Array) => Promise<void>) => Promise<T>) {
  const opened = openStore(store);
  const put = async (body: Uint8Array) => {
    const id = newId();
    const result = await opened.put(`${prefix}/${id}`, body, 'absent', id);
    if (result.kind === 'failed') throw result.error;
  };
  try {
    await put(new Uint8Array(1));
    return await use(put);
  } finally {
    opened.close();
  }
}

/** The smallest of them that so many per cent are not above. */
export function percentileOf(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}
