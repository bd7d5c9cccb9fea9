import type { Counts, RequestKind } from '@blockyard/object-store';
import type { Trace } from '../trace/trace.js';
import type { Layout } from './layouts.js';
import { sampleOf } from './sample.js';
import { type Simulated, simulate } from './simulate.js';

/** What is tried out: every size with every size of lines, in every layout; and each layout without a cache. */
export interface Choices {
  readonly cacheSizes: readonly number[];
  readonly lineSizes: readonly number[];
  readonly layouts: readonly Layout[];
  /** Share of the device whose requests are sent, 0 to 1. */
  readonly share: number;
}

/** What one choice comes to, for the whole trace. */
export interface Trial {
  readonly layout: Layout;
  /** Null: no cache. */
  readonly cacheBytes: number | null;
  readonly lineBytes: number | null;
  readonly lookups: number;
  readonly hits: number;
  /** Null: nothing was read, or there is no cache. */
  readonly hitRatio: number | null;
  readonly counts: Counts;
  /** By how much the hit ratios of two disjoint samples differ. Zero where all was sent, null where there was one sample. */
  readonly sampleDifference: number | null;
}

/** Samples are small: a cache of fewer lines says nothing. */
const LINES_MIN = 64;
/** A line takes so much with its tables. */
const LINE_SHARE = 1.1;
/** Requests of a sample, where the operator does not say how much is to be sent. */
export const SAMPLE_REQUESTS_MAX = 1_000_000;

/** As much as is sent if no one says it: all of a trace that is not huge. */
export function shareOf({ offsets }: Trace): number {
  const share = SAMPLE_REQUESTS_MAX / Math.max(1, offsets.length);
  return share > 0.5 ? 1 : share;
}

/** Bytes that `advise` will be told of. */
export function workOf(trace: Trace, choices: Choices): number {
  const bytes = trace.lengths.reduce((sum, length) => sum + length, 0);
  const cached = choices.cacheSizes.flatMap((size) =>
    choices.lineSizes.map((line) => {
      const share = shareFor(choices.share, size, line);
      return share * samplesOf(share);
    }),
  );
  return bytes * choices.layouts.length * (1 + cached.reduce((sum, each) => sum + each, 0));
}

/** Tries every choice out, one after the other. Rejects when the signal fires. */
export async function advise(
  trace: Trace,
  choices: Choices,
  watch: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<Trial[]> {
  const { cacheSizes, lineSizes, layouts } = choices;
  const trials: Trial[] = [];
  for (const layout of layouts) {
    const none = await simulate(trace, { layout, cache: undefined }, watch);
    trials.push(trialOf(layout, undefined, [none], 1));
    for (const sizeBytes of cacheSizes) {
      for (const lineBytes of lineSizes) {
        const share = shareFor(choices.share, sizeBytes, lineBytes);
        const scaled = { sizeBytes: Math.floor(sizeBytes * share), lineBytes };
        const samples: Simulated[] = [];
        for (let which = 0; which < samplesOf(share); which++) {
          samples.push(await simulate(sampleOf(trace, share, which), { layout, cache: scaled }, watch));
        }
        trials.push(trialOf(layout, { sizeBytes, lineBytes }, samples, share));
      }
    }
  }
  return trials;
}

/** A cache of a few lines is no small copy of a large one. */
function shareFor(share: number, sizeBytes: number, lineBytes: number): number {
  const least = (LINES_MIN * lineBytes * LINE_SHARE) / sizeBytes;
  const needed = Math.max(share, least);
  return needed > 0.5 ? 1 : needed;
}

function samplesOf(share: number): number {
  return share < 1 ? 2 : 1;
}

function trialOf(
  layout: Layout,
  cache: { readonly sizeBytes: number; readonly lineBytes: number } | undefined,
  samples: readonly Simulated[],
  share: number,
): Trial {
  const all = share * samples.length;
  const sum = (of: (each: Simulated) => number) =>
    Math.round(samples.reduce((total, each) => total + of(each), 0) / all);
  const lookups = sum((each) => each.lookups);
  const hits = sum((each) => each.hits);
  const requests = (kind: RequestKind) => sum(({ counts }) => counts.requests[kind]);
  return {
    layout,
    cacheBytes: cache?.sizeBytes ?? null,
    lineBytes: cache?.lineBytes ?? null,
    lookups,
    hits,
    hitRatio: lookups === 0 ? null : hits / lookups,
    counts: {
      requests: { get: requests('get'), head: 0, put: requests('put'), delete: 0, list: 0 },
      uploadBytes: sum(({ counts }) => counts.uploadBytes),
      downloadBytes: sum(({ counts }) => counts.downloadBytes),
    },
    sampleDifference: differenceOf(samples),
  };
}

function differenceOf(samples: readonly Simulated[]): number | null {
  if (samples.length < 2) return 0;
  const ratios = samples.filter(({ lookups }) => lookups > 0).map(({ hits, lookups }) => hits / lookups);
  return ratios.length < 2 ? null : Math.max(...ratios) - Math.min(...ratios);
}
