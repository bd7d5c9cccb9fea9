import { plainTable } from '../terminal/table.js';
import { PART_MEANINGS, PART_NAMES, PARTS, type Part } from './parts.js';
import type { Explained } from './slowest.js';

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
