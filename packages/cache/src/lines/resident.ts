import type { Geometry } from './geometry.js';
import type { Lines } from './lines.js';

export interface ResidentLine {
  readonly entry: number;
  readonly line: number;
}

/**
 * The resident lines that sectors `start` to `end` touch, in any order. Looks at the lines of the range or at those that are resident,
 * whichever are fewer [C10].
 */
export function residentIn(lines: Lines, geometry: Geometry, start: number, end: number): ResidentLine[] {
  const first = Math.floor(start / geometry.sectorsPerLine);
  const last = Math.floor((end - 1) / geometry.sectorsPerLine);
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
