import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { zipf } from '../../inputs/zipf.js';
import type { Range } from '../model/volume-model.js';
import type { Step, Stream, Workload } from './workload.js';

/** Popular and unpopular places are of this size, 64 KiB. */
const PLACE_SECTORS = 16;

/** Flushes every so often, as a file system does. */
const flushes = (everyMs: number): Stream => ({
  depth: 1,
  share: 0,
  *steps() {
    for (;;) {
      yield { do: 'rest', restMs: everyMs };
      yield { do: 'flush' };
    }
  },
});

/** One operation after the other at places of which few are popular. */
const popular = (kind: 'read' | 'write', share: number): Stream => ({
  depth: 8,
  share,
  *steps(sizeSectors, random) {
    const nextPlace = zipf(random, Math.floor(sizeSectors / PLACE_SECTORS));
    for (;;) {
      const count = 2 ** uniformInt(random, 0, 4);
      const within = uniformInt(random, 0, PLACE_SECTORS / count - 1) * count;
      yield { do: kind, start: nextPlace() * PLACE_SECTORS + within, count };
    }
  },
});

const scan: Stream = {
  depth: 4,
  share: 1,
  *steps(sizeSectors) {
    for (;;) yield* inOrder({ start: 0, count: sizeSectors }, 'read', PLACE_SECTORS);
  },
};

const BOOT_FILES = 24;
const BOOT_REST_MS = 3000;

/** Files here and there, read from end to end; then nothing for a while, and the same again. */
const boot: Stream = {
  depth: 4,
  share: 1,
  *steps(sizeSectors, random) {
    const files = Array.from({ length: BOOT_FILES }, () => someRange(random, sizeSectors, { min: 16, max: 192 }));
    for (;;) {
      for (const file of files) yield* inOrder(file, 'read', 8);
      yield { do: 'rest', restMs: BOOT_REST_MS };
    }
  },
};

const LOG_SECTORS = 512;
const LOG_WRITES_TO_FLUSH = 10;

/** Small writes, one behind the other in a ring, flushed after a few: a log. */
const log: Stream = {
  depth: 1,
  share: 0.1,
  *steps(sizeSectors) {
    const ring = { start: 0, count: Math.min(LOG_SECTORS, sizeSectors) };
    for (let writes = 1; ; ) {
      for (const step of inOrder(ring, 'write', 1)) {
        yield step;
        if (writes++ % LOG_WRITES_TO_FLUSH === 0) yield { do: 'flush' };
      }
    }
  },
};

const BURST_RUNS = 12;
const BURST_REST_MS = 2000;

/** Much at once, then nothing for a while. */
const bursts: Stream = {
  depth: 16,
  share: 2,
  *steps(sizeSectors, random) {
    for (;;) {
      for (let run = 0; run < BURST_RUNS; run++) {
        const range = someRange(random, sizeSectors, { min: 16, max: 256 });
        yield* inOrder(range, 'write', uniformFloat64(random) < 0.5 ? 4 : 8);
      }
      yield { do: 'rest', restMs: BURST_REST_MS };
    }
  },
};

/** What it begins with. */
export const FIRST_WORKLOAD: Workload = {
  name: 'zipf',
  label: 'Popular places: reads and writes',
  streams: [popular('read', 0.7), popular('write', 0.3), flushes(4000)],
};

/** What the laboratory can do to its volume. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'idle', label: 'Nothing', streams: [] },
  FIRST_WORKLOAD,
  { name: 'scan', label: 'A scan: reads from end to end', streams: [scan] },
  { name: 'boot', label: 'A machine boots, again and again', streams: [boot, log] },
  { name: 'burst', label: 'Bursts of writes, with flushes', streams: [bursts, flushes(3000)] },
];

function* inOrder({ start, count }: Range, kind: 'read' | 'write', stepSectors: number): Generator<Step, void> {
  for (let at = start; at < start + count; at += stepSectors) {
    yield { do: kind, start: at, count: Math.min(stepSectors, start + count - at) };
  }
}

function someRange(
  random: RandomGenerator,
  sizeSectors: number,
  { min, max }: { readonly min: number; readonly max: number },
): Range {
  const count = Math.min(sizeSectors, uniformInt(random, min, max));
  return { start: uniformInt(random, 0, sizeSectors - count), count };
}
