import { type Extent, IntervalSet, mergeExtents } from '@blockyard/block';
import type { Engine } from '../engine.js';
import { dirtyRuns } from './states.js';

/**
 * The base's extents with what it does not know yet laid over them: dirty data are data, pending zeroes are zero [Z3].
 *
 * The base answers while writes go on. What was dirty before the question or is after the answer is data, whichever the base saw.
 */
export async function overlayExtents(engine: Engine, start: number, count: number): Promise<Extent[]> {
  const end = start + count;
  const data = new IntervalSet();
  const zero = new IntervalSet();
  addDirty(engine, start, end, data);
  engine.zeroes.forEachZero(start, end, (from, to) => zero.add(from, to));
  for (const extent of mergeExtents(await engine.base.extents(start, count), start, count)) {
    if (extent.type === 'zero') zero.add(extent.start, extent.start + extent.count);
  }
  addDirty(engine, start, end, data);
  for (const { start: from, end: to } of data) zero.remove(from, to);
  const extents: Extent[] = [];
  for (const run of zero.runs(start, end)) {
    extents.push({ start: run.start, count: run.end - run.start, type: run.inside ? 'zero' : 'data' });
  }
  return extents;
}

function addDirty(engine: Engine, start: number, end: number, data: IntervalSet): void {
  dirtyRuns(engine, start, end, (from, to) => data.add(from, to));
}
