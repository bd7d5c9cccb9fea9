import { LONG_CALL_BYTES, type Yielder } from '@blockyard/block/async';
import { HEAT_MAX } from '../eviction/policy.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import type { HotRange } from '../read-ahead/read-plan.js';
import type { Line } from '../tables/numbers.js';

export interface HotRangesContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly yielder: Yielder;
}

/**
 * What is held, the hottest first, and among what is equally hot in ascending order; what is adjoining and equally hot is one
 * range. At most so many ranges: the coldest are left out. So is what was brought in and not asked for, unless it was hot before.
 *
 * All lines are looked through once; the rest is done in steps that let others go first. A line that changes meanwhile may be
 * left out, or listed as it is then.
 */
export async function hotRangesOf(context: HotRangesContext, rangesMax: number): Promise<HotRange[]> {
  const { lines, yielder } = context;
  const byHeat: Line[][] = Array.from({ length: HEAT_MAX + 1 }, () => []);
  lines.forEach((entry, line) => {
    const heat = lines.heatOf(entry);
    const isOfNoUse = lines.isAhead(entry) && (heat === 0 || !lines.isWarmed(entry));
    if (!isOfNoUse) byHeat[heat]?.push(line);
  });
  const ranges: HotRange[] = [];
  for (let heat = HEAT_MAX; heat >= 0 && ranges.length < rangesMax; heat--) {
    const ascending = Float64Array.from(byHeat[heat] ?? []).sort();
    for (const line of ascending) {
      if (!addRuns(context, line as Line, heat, ranges, rangesMax)) return ranges;
      const pause = yielder.spend(LONG_CALL_BYTES / 4);
      if (pause !== undefined) await pause;
    }
  }
  return ranges;
}

/** Adds what a line holds. False where there is no room for it. */
function addRuns({ geometry, lines }: HotRangesContext, line: Line, heat: number, ranges: HotRange[], max: number) {
  const { sectorsPerLine } = geometry;
  const entry = lines.find(line);
  if (entry < 0) return true;
  for (let from = lines.valid.nextSet(entry, 0, sectorsPerLine); from < sectorsPerLine; ) {
    const to = lines.valid.nextClear(entry, from, sectorsPerLine);
    const start = geometry.sectorOf(line, from);
    const last = ranges.at(-1);
    if (last !== undefined && last.heat === heat && last.start + last.count === start) {
      ranges[ranges.length - 1] = { start: last.start, count: last.count + to - from, heat };
    } else if (ranges.length < max) {
      ranges.push({ start, count: to - from, heat });
    } else {
      return false;
    }
    from = lines.valid.nextSet(entry, to, sectorsPerLine);
  }
  return true;
}
