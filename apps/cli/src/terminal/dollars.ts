const SMALL = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3, useGrouping: false });

/** `12.34`, `0.0000054`: cents, and below a dollar three digits that mean something. */
export function formatUsd(usd: number): string {
  return usd < 1 ? SMALL.format(usd) : usd.toFixed(2);
}
