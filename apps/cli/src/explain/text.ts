import { plainTable } from '../terminal/table.js';
import { PART_MEANINGS, PART_NAMES, PARTS, type Part, type PartsMs } from './parts.js';
import type { Explained } from './slowest.js';

/** Smaller parts of a request are left out. */
const SHARE_TOLD_MIN = 0.05;

/** Which part the slow requests spent their time in, the largest first. */
export function sharesText(requests: readonly Explained[]): string {
  const rows = sharesOf(requests).map(({ part, share }) => [
    `${(100 * share).toFixed(1)} %`,
    PART_NAMES[part],
    PART_MEANINGS[part],
  ]);
  const title = `where the ${requests.length} slowest requests spent their time:`;
  return `${title}\n${plainTable(rows, { align: ['right', 'left', 'left'] })}`;
}

export function sharesOf(requests: readonly Explained[]): { readonly part: Part; readonly share: number }[] {
  const total = requests.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return PARTS.map((part) => ({
    part,
    share: total === 0 ? 0 : requests.reduce((sum, { parts }) => sum + parts[part], 0) / total,
  }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}

/** Each of the slowest with the parts that took most of its time. */
export function slowestText(requests: readonly Explained[]): string {
  const rows = requests.map(({ at, operation, startSector, sectors, durationMs, parts }) => [
    at,
    operation,
    startSector ?? '-',
    sectors ?? '-',
    durationMs.toFixed(1),
    largestOf(parts),
  ]);
  return plainTable(rows, {
    head: ['when', 'operation', 'sector', 'sectors', 'ms', 'of which'],
    align: ['left', 'left', 'right', 'right', 'right', 'left'],
  });
}

/** `first byte 40.1, transfer 10.0`. */
function largestOf(parts: PartsMs): string {
  const total = PARTS.reduce((sum, part) => sum + parts[part], 0);
  return PARTS.filter((part) => parts[part] >= SHARE_TOLD_MIN * total && parts[part] > 0)
    .sort((a, b) => parts[b] - parts[a])
    .map((part) => `${PART_NAMES[part]} ${parts[part].toFixed(1)}`)
    .join(', ');
}
