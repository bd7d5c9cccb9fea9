/** `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `0.042`, `1.25`, `318`: three digits that mean something. */
export function formatMs(ms: number): string {
  return ms >= 100 ? formatCount(ms) : ms.toPrecision(ms < 0.01 ? 1 : 3).replace(/\.?0+$/, '');
}
