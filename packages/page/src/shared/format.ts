const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `512 B`, `12.3 MiB`, `8 TiB`. */
export function formatBytes(bytes: number): string {
  const { value, unit } = inUnit(bytes);
  return `${shortNumber(value)} ${unit}`;
}

/** A place on a device, which has to be told from its neighbours: `12.3456 MiB`. */
export function formatPlace(bytes: number): string {
  const { value, unit } = inUnit(bytes);
  return `${Number(value.toFixed(4))} ${unit}`;
}

function inUnit(bytes: number): { readonly value: number; readonly unit: string } {
  let value = bytes;
  let unit = 0;
  for (; value >= 1023.95 && unit < UNITS.length - 1; unit++) value /= 1024;
  return { value, unit: UNITS[unit] ?? '' };
}

/** `950`, `12.3 k`, `1.2 M`. */
export function formatCount(count: number): string {
  if (count < 9999.5) return shortNumber(count);
  if (count < 999_950) return `${shortNumber(count / 1000)} k`;
  return `${shortNumber(count / 1e6)} M`;
}

/** Of microseconds: `25 µs`, `3.2 ms`, `1.6 s`. */
export function formatUs(us: number): string {
  if (us < 1000) return `${shortNumber(us)} µs`;
  if (us < 1e6) return `${shortNumber(us / 1000)} ms`;
  return `${shortNumber(us / 1e6)} s`;
}

/** `0.3 s`, `42 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `$0.0012`, `$3.40`, `$1,234`. */
export function formatUsd(usd: number): string {
  if (usd >= 1000) return `$${Math.round(usd).toLocaleString('en-US')}`;
  if (usd >= 1 || usd === 0) return `$${usd.toFixed(2)}`;
  return usd < 0.0001 ? 'under $0.0001' : `$${usd.toFixed(4)}`;
}

export function formatPercent(share: number): string {
  const percent = share * 100;
  return `${percent < 10 && percent > 0 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function shortNumber(value: number): string {
  return value < 99.95 && !Number.isInteger(value) ? String(Number(value.toFixed(1))) : String(Math.round(value));
}
