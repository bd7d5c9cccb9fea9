import type { CacheState } from '@blockyard/block';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import { type ResidentLine, residentIn } from '../lines/resident.js';
import type { Sector } from '../tables/numbers.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { WriteBack } from '../write-back/write-back.js';

/** What the states of sectors are read off. */
export interface StatesContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly zeroes: ZeroRanges;
  readonly writeBack: Pick<WriteBack, 'writes'>;
}

/**
 * The range in runs of one state, ascending, covering it exactly. Costs by the lines of the range, or by those in memory if
 * they are fewer.
 */
export function statesOf(context: StatesContext, start: Sector, end: Sector): CacheState[] {
  const { geometry, lines, zeroes } = context;
  const runs = new RunList();
  let at = start;
  for (const resident of inOrder(residentIn(lines, geometry, start, end))) {
    const from = geometry.fromIn(resident.line, start);
    const to = geometry.toIn(resident.line, end);
    addAbsent(zeroes, at, geometry.sectorOf(resident.line, from), runs);
    addLine(context, resident, from, to, runs);
    at = geometry.sectorOf(resident.line, to);
  }
  addAbsent(zeroes, at, end, runs);
  return runs.states;
}

/**
 * Calls `visit` with each run of these lines that lies in the range and that the base does not have yet, waiting or on its way.
 */
export function forEachDirty(
  context: StatesContext,
  found: readonly ResidentLine[],
  start: Sector,
  end: Sector,
  visit: (start: number, end: number) => void,
): void {
  const { geometry } = context;
  for (const resident of found) {
    const runs = new RunList();
    addLine(context, resident, geometry.fromIn(resident.line, start), geometry.toIn(resident.line, end), runs);
    for (const { start: from, count, state } of runs.states) if (state === 'dirty') visit(from, from + count);
  }
}

function inOrder(found: ResidentLine[]): ResidentLine[] {
  return found.sort((a, b) => a.line - b.line);
}

/** Sectors `from` to `to` of a line. */
function addLine(
  { geometry, lines, writeBack, zeroes }: StatesContext,
  { entry, line }: ResidentLine,
  from: number,
  to: number,
  runs: RunList,
): void {
  const { valid, dirty } = lines;
  const { writes } = writeBack;
  const sector = (at: number) => geometry.sectorOf(line, at);
  for (let at = from; at < to; ) {
    const validFrom = valid.nextSet(entry, at, to);
    addAbsent(zeroes, sector(at), sector(validFrom), runs);
    const validTo = valid.nextClear(entry, validFrom, to);
    for (at = validFrom; at < validTo; ) {
      const cleanTo = dirty.nextSet(entry, at, validTo);
      // What is on its way to the base is not there yet.
      if (!writes.isWriting(entry)) runs.add(sector(at), sector(cleanTo), 'clean');
      else
        for (; at < cleanTo; at++)
          runs.add(sector(at), sector(at + 1), writes.isUnwritten(entry, at) ? 'dirty' : 'clean');
      const dirtyTo = dirty.nextClear(entry, cleanTo, validTo);
      runs.add(sector(cleanTo), sector(dirtyTo), 'dirty');
      at = dirtyTo;
    }
  }
}

/** What no line holds: absent, but for what is known to be zero. */
function addAbsent(zeroes: ZeroRanges, start: Sector, end: Sector, runs: RunList): void {
  if (start >= end) return;
  let at = start;
  zeroes.forEachZero(start, end, (from, to) => {
    runs.add(at, from, 'absent');
    runs.add(from, to, 'zero');
    at = to;
  });
  runs.add(at, end, 'absent');
}

/** Runs under construction; neighbours of one state become one. */
class RunList {
  readonly #states: { start: number; count: number; state: CacheState['state'] }[] = [];

  get states(): CacheState[] {
    return this.#states;
  }

  add(start: Sector, end: Sector, state: CacheState['state']): void {
    if (start >= end) return;
    const last = this.#states.at(-1);
    if (last?.state === state) last.count = end - last.start;
    else this.#states.push({ start, count: end - start, state });
  }
}
