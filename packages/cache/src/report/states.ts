import type { Engine } from '../engine.js';

/** What the cache knows of a run of sectors. `zero`: reads as zeroes, and the base has not been told. */
export interface CacheState {
  readonly start: number;
  readonly count: number;
  readonly state: 'absent' | 'zero' | 'clean' | 'dirty';
}

/** Calls `visit` with each run of the range that the base does not have yet, waiting or on its way. */
export function dirtyRuns(
  engine: Engine,
  start: number,
  end: number,
  visit: (start: number, end: number) => void,
): void {
  for (const { start: from, count, state } of statesOf(engine, start, end))
    if (state === 'dirty') visit(from, from + count);
}

/** The range in runs of one state, ascending, covering it exactly. Costs in proportion to the lines in memory. */
export function statesOf(engine: Engine, start: number, end: number): CacheState[] {
  const runs = new RunList();
  let at = start;
  for (const { entry, first } of residentLines(engine, start, end)) {
    const from = Math.max(start, first);
    const to = Math.min(end, first + engine.geometry.sectorsPerLine);
    addAbsent(engine.zeroes, at, from, runs);
    addLine(engine, entry, first, from, to, runs);
    at = to;
  }
  addAbsent(engine.zeroes, at, end, runs);
  return runs.states;
}

/** Lines that the range touches, ascending. */
function residentLines({ lines, geometry }: Engine, start: number, end: number): { entry: number; first: number }[] {
  const found: { entry: number; first: number }[] = [];
  lines.forEach((entry, line) => {
    const first = line * geometry.sectorsPerLine;
    if (first < end && first + geometry.sectorsPerLine > start) found.push({ entry, first });
  });
  return found.sort((a, b) => a.first - b.first);
}

function addLine(
  { lines, writeBack, zeroes }: Engine,
  entry: number,
  first: number,
  start: number,
  end: number,
  runs: RunList,
): void {
  const { valid, dirty } = lines;
  const { writes } = writeBack;
  const last = end - first;
  for (let at = start - first; at < last; ) {
    const validFrom = valid.nextSet(entry, at, last);
    addAbsent(zeroes, first + at, first + validFrom, runs);
    const validTo = valid.nextClear(entry, validFrom, last);
    for (at = validFrom; at < validTo; ) {
      const cleanTo = dirty.nextSet(entry, at, validTo);
      // What is on its way to the base is not there yet.
      if (!writes.isWriting(entry)) runs.add(first + at, first + cleanTo, 'clean');
      else
        for (; at < cleanTo; at++)
          runs.add(first + at, first + at + 1, writes.isUnwritten(entry, at) ? 'dirty' : 'clean');
      const dirtyTo = dirty.nextClear(entry, cleanTo, validTo);
      runs.add(first + cleanTo, first + dirtyTo, 'dirty');
      at = dirtyTo;
    }
  }
}

/** What no line holds: absent, but for what is known to be zero. */
function addAbsent(zeroes: Engine['zeroes'], start: number, end: number, runs: RunList): void {
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

  add(start: number, end: number, state: CacheState['state']): void {
    if (start >= end) return;
    const last = this.#states.at(-1);
    if (last?.state === state) last.count = end - last.start;
    else this.#states.push({ start, count: end - start, state });
  }
}
