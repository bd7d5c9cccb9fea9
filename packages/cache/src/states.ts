import type { Engine } from './engine.js';

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
    addAbsent(engine, at, from, runs);
    addLine(engine, entry, first, from, to, runs);
    at = to;
  }
  addAbsent(engine, at, end, runs);
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
  for (let at = start; at < end; ) {
    const isValid = lines.valid.covers(entry, at - first, at - first + 1);
    if (!isValid) {
      const to = first + lines.valid.nextSet(entry, at - first, end - first);
      addZeroes(zeroes, at, to, runs);
      at = to;
      continue;
    }
    const isDirty =
      lines.dirty.covers(entry, at - first, at - first + 1) || writeBack.writes.isUnwritten(entry, at - first);
    runs.add(at, at + 1, isDirty ? 'dirty' : 'clean');
    at++;
  }
}

function addAbsent({ zeroes }: Engine, start: number, end: number, runs: RunList): void {
  if (start < end) addZeroes(zeroes, start, end, runs);
}

function addZeroes(zeroes: Engine['zeroes'], start: number, end: number, runs: RunList): void {
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
  readonly states: CacheState[] = [];

  add(start: number, end: number, state: CacheState['state']): void {
    if (start >= end) return;
    const last = this.states.at(-1);
    if (last?.state === state) this.states[this.states.length - 1] = { ...last, count: end - last.start };
    else this.states.push({ start, count: end - start, state });
  }
}
