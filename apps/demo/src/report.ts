import { formatSize } from '@blockyard/uri';
import Table from 'cli-table3';
import type { WorkloadRun } from './comparison.js';
import type { BackendResult } from './demonstrate.js';
import type { Input } from './inputs/input.js';
import type { Settings } from './inputs/settings.js';
import { CLIENTS } from './inputs/workload.js';
import type { RoundTrip } from './round-trip.js';
import { formatCount, formatMs } from './units.js';

const COLUMNS = ['backend', 'job', 'ops/s', 'p50 ms', 'p99 ms', 'base reads', 'base writes', 'hits', 'verified'];
const NUMBERS = { from: 2, to: 7 };

/** Everything in one table, three lines per backend. */
export function tableOf(results: readonly BackendResult[]): string {
  const table = new Table({
    head: COLUMNS,
    colAligns: COLUMNS.map((_, column) => (column >= NUMBERS.from && column <= NUMBERS.to ? 'right' : 'left')),
    // Also where it is a file: no colours.
    style: { head: [], border: [] },
  });
  for (const { backend, input, raw, cached } of results) {
    table.push(inputRow(backend, input), workloadRow('workload, raw', raw), workloadRow('workload, cached', cached));
  }
  return table.toString();
}

function inputRow(backend: string, { bytes, writeSeconds, readSeconds, base, sha256Read, ...trip }: RoundTrip) {
  const rate = (seconds: number) => `${formatSize(bytes / seconds)}/s`;
  const job = `${formatSize(bytes)} in at ${rate(writeSeconds)}\nback, cold, at ${rate(readSeconds)}`;
  const verified = trip.verified ? `yes, SHA-256\n${sha256Read.slice(0, 12)}` : 'NO: SHA-256 differs';
  return [{ content: backend, rowSpan: 3 }, job, '', '', '', ...baseCells(base), '', verified];
}

function workloadRow(job: string, run: WorkloadRun) {
  const { opsPerSecond, p50Ms, p99Ms, base, hitRatio } = run;
  const hits = hitRatio === null ? '' : `${(100 * hitRatio).toFixed(1)} %`;
  return [job, formatCount(opsPerSecond), formatMs(p50Ms), formatMs(p99Ms), ...baseCells(base), hits, verdict(run)];
}

function baseCells({ reads, readBytes, writes, writeBytes }: WorkloadRun['base']): string[] {
  return [`${formatCount(reads)}\n${formatSize(readBytes)}`, `${formatCount(writes)}\n${formatSize(writeBytes)}`];
}

function verdict({ verified, differingReads, operations }: WorkloadRun): string {
  if (verified) return 'yes';
  return differingReads > 0
    ? `NO: ${formatCount(differingReads)} of ${formatCount(operations)}\ngave wrong bytes`
    : 'NO: SHA-256 differs';
}

/** The same and more, for programs. Numbers are in the unit that ends their name. */
export function jsonOf(results: readonly BackendResult[], input: Input, settings: Settings): string {
  const { path, lengthBytes } = input;
  const report = {
    verified: results.every(({ verified }) => verified),
    node: process.version,
    input: { path, lengthBytes },
    cacheBytes: settings.cacheBytes,
    clients: CLIENTS,
    backends: results,
  };
  return JSON.stringify(report, undefined, 2);
}
