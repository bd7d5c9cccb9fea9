import { newId } from '@blockyard/object-store';
import { openS3Store } from '@blockyard/object-store-s3';
import type { Store } from './sides.js';

/** Bytes of a segment with one sector of 4 KiB. */
const PUT_BYTES = 4300;
const PUTS = 40;

/** Milliseconds of each of some PUTs, one after the other: the least that a flush to that store can take. */
export async function timePuts(store: Store, prefix: string): Promise<number[]> {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = store;
  const credentials = { accessKeyId, secretAccessKey };
  const opened = openS3Store({ bucket, endpoint: endpoint.origin, region, credentials, forcePathStyle: true });
  const body = new Uint8Array(PUT_BYTES).fill(7);
  const times: number[] = [];
  try {
    for (let at = -1; at < PUTS; at++) {
      const id = newId();
      const start = performance.now();
      const result = await opened.put(`${prefix}/${id}`, body, 'absent', id);
      if (result.kind === 'failed') throw result.error;
      // The first opens the connection.
      if (at >= 0) times.push(performance.now() - start);
    }
  } finally {
    opened.close();
  }
  return times;
}

/** The smallest of them that so many per cent are not above. */
export function percentileOf(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}
