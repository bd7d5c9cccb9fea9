import { invariant } from '@blockyard/block';
import type { Layout } from '../format/layout.js';
import type { Medium } from './medium.js';

/** Bytes of the medium. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** To read so much that no one asked for costs less than another call. */
const MAX_GAP_BYTES = 16 << 10;

/** What was read of the medium. */
export interface SpansRead {
  /** Bytes `start` to `end`, which lie in one of the spans. */
  bytes(start: number, end: number): Uint8Array;
}

/** Reads spans, in any order and overlapping or not: one call for each run of them that is nearly contiguous, all at once. */
export async function readSpans(medium: Medium, layout: Layout, spans: readonly Span[]): Promise<SpansRead> {
  const runs = await Promise.all(
    runsOf(layout, spans).map(async ({ start, end }) => ({ start, end, bytes: await medium.read(start, end) })),
  );
  return {
    bytes(start, end) {
      const run = runs.find((each) => each.start <= start && end <= each.end);
      invariant(run !== undefined, 'what is looked at was read');
      return run.bytes.subarray(start - run.start, end - run.start);
    },
  };
}

function runsOf(layout: Layout, spans: readonly Span[]): Span[] {
  const runs: { start: number; end: number }[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = runs.at(-1);
    if (last !== undefined && span.start - last.end <= MAX_GAP_BYTES) last.end = Math.max(last.end, span.end);
    else runs.push({ start: span.start, end: span.end });
  }
  return runs.map(({ start, end }) => ({ start: layout.alignDown(start), end: layout.alignUp(end) }));
}
