import { type Extent, IntervalSet, mergeExtents } from '@blockyard/block';
import type { BaseCalls } from '../base/base-calls.js';
import { type ResidentLine, residentIn } from '../lines/resident.js';
import type { Sector } from '../tables/numbers.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';
import type { WriteBack } from '../write-back/write-back.js';
import { forEachDirty, type StatesContext } from './states.js';

/** What extents are made of. */
export interface ExtentsContext extends StatesContext {
  readonly base: Pick<BaseCalls, 'extents'>;
  readonly dirtyLines: DirtyLines;
  readonly writeBack: Pick<WriteBack, 'writes' | 'dirtyCount'>;
}

/**
 * The base's extents with what it does not know yet laid over them: dirty data are data, pending zeroes are zero [Z3].
 *
 * The base answers while writes go on. What was dirty before the question or is after the answer is data, whichever the base
 * saw.
 */
export async function overlayExtents(context: ExtentsContext, start: Sector, count: number): Promise<Extent[]> {
  const end = (start + count) as Sector;
  const data = new IntervalSet();
  const zero = new IntervalSet();
  addDirty(context, start, end, data);
  context.zeroes.forEachZero(start, end, (from, to) => zero.add(from, to));
  for (const extent of mergeExtents(await context.base.extents(start, count), start, count)) {
    if (extent.type === 'zero') zero.add(extent.start, extent.start + extent.count);
  }
  addDirty(context, start, end, data);
  for (const { start: from, end: to } of data) zero.remove(from, to);
  const extents: Extent[] = [];
  for (const run of zero.runs(start, end)) {
    extents.push({ start: run.start, count: run.end - run.start, type: run.inside ? 'zero' : 'data' });
  }
  return extents;
}

function addDirty(context: ExtentsContext, start: Sector, end: Sector, data: IntervalSet): void {
  forEachDirty(context, unwrittenIn(context, start, end), start, end, (from, to) => data.add(from, to));
}

/**
 * The lines in the range that may hold what the base does not have, at the cost of the fewer: those of the range, or all such
 * [C10].
 */
function unwrittenIn({ geometry, lines, dirtyLines, writeBack }: ExtentsContext, start: Sector, end: Sector) {
  const first = geometry.lineOf(start);
  const last = geometry.lastLine(end);
  if (last - first < writeBack.dirtyCount) return residentIn(lines, geometry, start, end);
  const found: ResidentLine[] = [];
  for (const entry of [...dirtyLines, ...writeBack.writes.entries()]) {
    const line = lines.lineOf(entry);
    if (line >= first && line <= last) found.push({ entry, line });
  }
  return found;
}
