import { Inflate } from 'pako';

/** Data that qemu has compressed repeat what lies this many bytes back, as a power of two. */
const WINDOW_BITS = 12;

/** Thrown once a cluster is full: what follows it is not its own. */
const FULL = Symbol('full');

/**
 * One cluster of raw deflate data. What follows it in `source` is left alone, and however much `source` would grow to, it is not
 * read past a cluster. Throws where the data are wrong, or too few.
 */
export function inflateCluster(source: Uint8Array, clusterBytes: number): Uint8Array {
  const inflate = new Inflate({ raw: true, windowBits: WINDOW_BITS, chunkSize: clusterBytes });
  let cluster: Uint8Array | undefined;
  inflate.onData = (chunk) => {
    cluster = chunk;
    throw FULL;
  };
  inflate.onEnd = () => {};
  try {
    inflate.push(source, true);
  } catch (error) {
    if (error !== FULL) throw error;
  }
  if (cluster?.byteLength === clusterBytes) return cluster;
  throw new Error(inflate.msg === '' ? 'the deflated data end too early' : inflate.msg);
}
