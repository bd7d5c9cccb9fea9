import type { Unit } from './report.js';

const SMALL = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3, useGrouping: true });
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const SCALES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A number for people, with its unit. */
export function format(value: number, unit: Unit): string {
  switch (unit) {
    case 'bytes':
      return bytesText(value);
    case 'ms':
      return `${SMALL.format(value)} ms`;
    case 'seconds':
      return `${SMALL.format(value)} s`;
    case 'share':
      return `${SMALL.format(100 * value)} %`;
    case 'percentile':
      return `${Number(value.toFixed(4))} %`;
    case 'usd':
      return value >= 1 ? `$${value.toFixed(2)}` : `$${SMALL.format(value)}`;
    case 'count':
      return Math.abs(value) >= 100 ? WHOLE.format(value) : SMALL.format(value);
  }
}

function bytesText(bytes: number): string {
  let scale = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && scale < SCALES.length - 1) {
    value /= 1024;
    scale++;
  }
  return `${SMALL.format(value)} ${SCALES[scale]}`;
}

/** Where a percentile stands on its axis: each further nine is one step. */
export function placeOfPercentile(percentile: number): number {
  return -Math.log10(1 - Math.min(percentile, 99.9999) / 100);
}

/** The percentile at a place of that axis. */
export function percentileAt(place: number): number {
  return 100 * (1 - 10 ** -place);
}
