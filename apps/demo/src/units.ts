import prettyBytes from 'pretty-bytes';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes of `4096`, `64K`, `16M` or `1G`, also with `B` or `iB` at the end; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const bytes = Number(digits) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `48 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes, { binary: true, space: true, maximumFractionDigits: 1 });
}

/** `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `0.042`, `1.25`, `318`: three digits that mean something. */
export function formatMs(ms: number): string {
  return ms >= 100 ? formatCount(ms) : ms.toPrecision(ms < 0.01 ? 1 : 3).replace(/\.?0+$/, '');
}
