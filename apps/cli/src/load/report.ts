import { formatSize } from '@blockyard/uri';
import { plainTable } from '../terminal/table.js';
import type { Summary } from './latency.js';
import type { Costs } from './measured.js';
import { storeCostsTable } from './store-costs.js';

const HEAD = ['', 'ops', 'bytes', 'ops/s', 'bytes/s', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max'];

/** Reads and writes, a row each, latencies in milliseconds; then what it cost the base and its store. */
export function reportOf(summaries: Readonly<Record<string, Summary>>, { cache, base, store }: Costs): string {
  const rows = Object.entries(summaries).map(([name, summary]) => rowOf(name, summary));
  const table = plainTable(rows, { head: HEAD, align: HEAD.map((_, column) => (column === 0 ? 'left' : 'right')) });
  const costs = [
    `base: ${base.reads} reads of ${formatSize(base.readBytes)}, ${base.writes} writes of ${formatSize(base.writeBytes)}, ` +
      `${base.zeroes} zeroings, ${base.flushes} flushes`,
  ];
  if (cache !== null) {
    const { hits, misses, hitRatio } = cache;
    const share = hitRatio === null ? '' : ` (${(100 * hitRatio).toFixed(2)} % hits)`;
    costs.unshift(`cache: ${hits} hits, ${misses} misses of lines that reads asked for${share}`);
  }
  if (store !== null) costs.push(storeCostsTable(store));
  return `${table}\n${costs.join('\n')}\nlatencies are milliseconds`;
}

function rowOf(name: string, { operations, bytes, operationsPerSecond, bytesPerSecond, latency }: Summary): string[] {
  const { meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = latency;
  return [
    name,
    String(operations),
    formatSize(bytes),
    operationsPerSecond.toFixed(0),
    formatSize(Math.round(bytesPerSecond)),
    ...[meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map((ms) => (ms < 10 ? ms.toFixed(3) : ms.toFixed(1))),
  ];
}
