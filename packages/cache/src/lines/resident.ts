import type { Entry, Line, Sector } from '../tables/numbers.js';
import type { Geometry } from './geometry.js';
import type { Lines } from './lines.js';

export interface ResidentLine {
  readonly entry: Entry;
  readonly line: Line;
}

/**
 * The resident lines that a range of sectors touches, in any order. Looks at the lines of the range or at those that are
 * resident, whichever are fewer [C10].
 */
export function residentIn(lines: Lines, geometry: Geometry, start: Sector, end: Sector): ResidentLine[] {
  const first = geometry.lineOf(start);
  const last = geometry.lastLine(end);
  const found: ResidentLine[] = [];
  if (last - first < lines.count) {
    for (let line = first; line <= last; line++) {
      const entry = lines.find(line);
      if (entry >= 0) found.push({ entry, line });
    }
    return found;
  }
  lines.forEach((entry, line) => {
    if (line >= first && line <= last) found.push({ entry, line });
  });
  return found;
}

/** Runs of sectors in the range whose data are in memory, ascending within each line. */
export function forEachValid(
  lines: Lines,
  geometry: Geometry,
  start: Sector,
  end: Sector,
  visit: (start: Sector, end: Sector) => void,
): void {
  for (const { entry, line } of residentIn(lines, geometry, start, end)) {
    const to = geometry.toIn(line, end);
    for (let at = lines.valid.nextSet(entry, geometry.fromIn(line, start), to); at < to; ) {
      const stop = lines.valid.nextClear(entry, at, to);
      visit(geometry.sectorOf(line, at), geometry.sectorOf(line, stop));
      at = lines.valid.nextSet(entry, stop, to);
    }
  }
}
