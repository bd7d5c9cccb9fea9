/** What a request can spend its time in, from what is nearest to the client to what is farthest. */
export const PARTS = ['queue', 'singleFlight', 'storeQueue', 'firstByte', 'transfer', 'check', 'base', 'rest'] as const;

export type Part = (typeof PARTS)[number];

export const PART_NAMES: Readonly<Record<Part, string>> = {
  queue: 'queue',
  singleFlight: 'single flight',
  storeQueue: 'store queue',
  firstByte: 'first byte',
  transfer: 'transfer',
  check: 'check',
  base: 'base',
  rest: 'rest',
};

/** What each part means, for people. */
export const PART_MEANINGS: Readonly<Record<Part, string>> = {
  queue: 'until anything was asked for: order of overlaps, memory',
  singleFlight: 'for what another request had asked for',
  storeQueue: 'for a place among the requests to the store, and attempts that failed',
  firstByte: 'until the answer began',
  transfer: 'until the answer was there',
  check: 'for what is done with it below the cache: checks, decryption',
  base: 'for a base that does not tell more',
  rest: 'in the cache and for the processor',
};

/** Milliseconds of each part. Together they are as long as the request was. */
export type PartsMs = Readonly<Record<Part, number>>;

/** A time during which something was done for a request, on one clock. */
export interface Span {
  readonly part: Part;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Of several that go on at once the one counts that the others wait for. */
const ORDER: readonly Part[] = ['transfer', 'firstByte', 'storeQueue', 'check', 'base', 'singleFlight'];

/** Divides a request among its parts: each moment counts once, and those without a span are `queue` before the first, then `rest`. */
export function partsOf(fromMs: number, toMs: number, spans: readonly Span[]): PartsMs {
  const inside = spans
    .map(({ part, ...span }) => ({ part, fromMs: Math.max(fromMs, span.fromMs), toMs: Math.min(toMs, span.toMs) }))
    .filter((span) => span.toMs > span.fromMs);
  const moments = new Set([fromMs, toMs, ...inside.flatMap((span) => [span.fromMs, span.toMs])]);
  const ascending = [...moments].sort((a, b) => a - b);
  const firstMs = Math.min(toMs, ...inside.map((span) => span.fromMs));
  const parts = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<Part, number>;
  for (const [at, startMs] of ascending.entries()) {
    const endMs = ascending[at + 1];
    if (endMs === undefined) break;
    const present = new Set(
      inside.filter((span) => span.fromMs <= startMs && span.toMs >= endMs).map(({ part }) => part),
    );
    const idle = inside.length > 0 && endMs <= firstMs ? 'queue' : 'rest';
    parts[ORDER.find((part) => present.has(part)) ?? idle] += endMs - startMs;
  }
  return parts;
}
