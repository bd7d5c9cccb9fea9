import type { Trace } from '../trace/trace.js';

/** Whole regions are taken or left, so that what is sequential stays so. */
const REGION_BYTES = 16 * 2 ** 20;

/**
 * The requests of a trace to a share of its regions, which a hash chooses: a cache of that share of the size has about the same hit
 * ratio on them (Waldspurger et al., "Efficient MRC Construction with SHARDS", FAST 2015). `which` 0, 1, ... are disjoint samples,
 * as far as the share allows. Requests are split where regions end.
 */
export function sampleOf(trace: Trace, share: number, which: number): Trace {
  if (share >= 1) return trace;
  const isIn = (region: number) => Math.floor(unitHash(region) / share) === which;
  const taken: number[][] = [[], [], [], []];
  const [offsets = [], lengths = [], writes = [], times = []] = taken;
  for (let i = 0; i < trace.offsets.length; i++) {
    const end = (trace.offsets[i] ?? 0) + (trace.lengths[i] ?? 0);
    for (let start = trace.offsets[i] ?? 0; start < end; ) {
      const region = Math.floor(start / REGION_BYTES);
      const pieceEnd = Math.min(end, (region + 1) * REGION_BYTES);
      if (isIn(region)) {
        offsets.push(start);
        lengths.push(pieceEnd - start);
        writes.push(trace.writes[i] ?? 0);
        times.push(trace.timesMs?.[i] ?? 0);
      }
      start = pieceEnd;
    }
  }
  return {
    ...trace,
    offsets: Float64Array.from(offsets),
    lengths: Float64Array.from(lengths),
    writes: Uint8Array.from(writes),
    ...(trace.timesMs === undefined ? {} : { timesMs: Float64Array.from(times) }),
  };
}

/** 0 to 1, by the finalizer of MurmurHash3. */
function unitHash(region: number): number {
  let hash = Math.imul(region ^ Math.floor(region / 2 ** 32), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
