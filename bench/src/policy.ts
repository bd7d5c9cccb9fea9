/**
 * How far an eviction policy gets from LRU towards MIN, on traces of real disks and on patterns made to hurt. It drives the
 * cache's own policies.
 */
import { type EvictionPolicy, LruPolicy, WTinyLfuPolicy } from '@blockyard/cache/policies';
import Table from 'cli-table3';
import { Command } from 'commander';
import { type Accesses, accessesOf, numbered } from './accesses.js';
import { minMisses } from './min.js';
import { policyMisses } from './replay.js';
import { SYNTHETICS } from './synthetic.js';
import { hasByteAddresses, readTrace, type Trace, tracesIn } from './trace.js';

/** Below this many lines a share of a trace means nothing. */
const LINES_MIN = 32;
const SEED = 1;

type PolicyName = 'lru' | 'wtinylfu';
const POLICIES: Readonly<Record<PolicyName, (capacity: number) => EvictionPolicy>> = {
  lru: (capacity) => new LruPolicy({ capacity, seed: SEED }),
  wtinylfu: (capacity) => new WTinyLfuPolicy({ capacity, seed: SEED }),
};

/** Miss ratios of one trace at one capacity. */
interface Row {
  readonly trace: string;
  readonly share: string;
  readonly lines: number;
  readonly lru: number;
  readonly wtinylfu: number;
  readonly min: number;
  readonly nsPerAccess: number;
}

interface Options {
  readonly traces?: string;
  readonly blockSize?: number;
  readonly capacity: readonly number[];
  readonly synthetic?: true;
  readonly cost?: true;
  readonly json?: true;
  readonly check?: true;
}

const program = new Command('policy')
  .description(
    'Miss ratios of LRU, the cache policy and MIN on block traces (BTR1 or CSV "offset,bytes,op", gzip or not)',
  )
  .argument('[files...]', 'trace files')
  .option('--traces <dir>', 'all traces of a folder')
  .option('--block-size <bytes>', 'size of a line; default: what each trace recommends', Number)
  .option('--capacity <per cent,...>', 'capacities in per cent of the unique lines', toNumbers, [0.5, 1, 5, 10, 25])
  .option('--synthetic', 'patterns made to hurt, at a capacity of 2,000 lines')
  .option('--cost', 'nanoseconds per access from a thousand to a million lines')
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<Options>();
const misses: string[] = [];

const files = [...program.args, ...(await tracesIn(options.traces))];
if (files.length === 0 && !options.synthetic && !options.cost) program.help({ error: true });
if (files.length > 0) await runTraces();
if (options.synthetic) runSynthetic();
if (options.cost) runCost();
for (const miss of misses) console.error(`missed: ${miss}`);
if (options.check && misses.length > 0) process.exitCode = 1;

async function runTraces(): Promise<void> {
  const rows: Row[] = [];
  for (const file of files) {
    const trace = await readTrace(file);
    if (options.blockSize !== undefined && options.blockSize !== trace.unitBytes && !hasByteAddresses(trace)) continue;
    rows.push(...rowsOf(trace, options.blockSize ?? trace.blockBytes));
  }
  const traces = [...new Set(rows.map(({ trace }) => trace))];
  const gaps = traces.map((trace) => ({ trace, gap: gapOf(rows.filter((row) => row.trace === trace)) }));
  const meanGap = meanOf(gaps.map(({ gap }) => gap));
  const worst = rows.reduce((a, b) => (b.wtinylfu - b.lru > a.wtinylfu - a.lru ? b : a));
  const worstPoints = (worst.wtinylfu - worst.lru) * 100;
  const isLarge = (options.blockSize ?? 0) >= 65_536;
  if (meanGap < (isLarge ? 0.12 : 0.5)) misses.push(`mean gap ${meanGap.toFixed(3)}`);
  if (worstPoints > (isLarge ? 2 : 1))
    misses.push(`${worst.trace} at ${worst.share}: ${worstPoints.toFixed(2)} points above LRU`);
  if (options.json) {
    console.log(JSON.stringify({ rows, gaps, meanGap, worstPoints }, undefined, 2));
    return;
  }
  const table = new Table({ head: ['trace', 'capacity', 'lines', 'LRU %', 'W-TinyLFU %', 'MIN %', 'gap', 'ns'] });
  for (const row of rows) {
    const gap = gapOf([row]);
    table.push([
      row.trace,
      row.share,
      row.lines,
      percent(row.lru),
      percent(row.wtinylfu),
      percent(row.min),
      gap.toFixed(2),
      Math.round(row.nsPerAccess),
    ]);
  }
  console.log(table.toString());
  for (const { trace, gap } of gaps) console.log(`${trace.padEnd(14)} gap closed from LRU to MIN: ${gap.toFixed(3)}`);
  console.log(
    `mean gap ${meanGap.toFixed(3)}; worst row ${worst.trace} ${worst.share}: ${worstPoints.toFixed(2)} points against LRU`,
  );
}

function rowsOf(trace: Trace, lineBytes: number): Row[] {
  const accesses = accessesOf(trace, lineBytes);
  return options.capacity
    .map((per) => ({ share: `${per} %`, lines: Math.round((accesses.unique * per) / 100) }))
    .filter(({ lines }) => lines >= LINES_MIN)
    .map(({ share, lines }) => rowOf(trace.name, share, lines, accesses));
}

function rowOf(trace: string, share: string, lines: number, accesses: Accesses): Row {
  const total = accesses.keys.length;
  const lru = policyMisses(accesses, POLICIES.lru(lines)) / total;
  const start = performance.now();
  const wtinylfu = policyMisses(accesses, POLICIES.wtinylfu(lines)) / total;
  const nsPerAccess = ((performance.now() - start) * 1e6) / total;
  return { trace, share, lines, lru, wtinylfu, min: minMisses(accesses, lines) / total, nsPerAccess };
}

/** Share of the possible improvement from LRU (0) to MIN (1), over all capacities of a trace together. */
function gapOf(rows: readonly Row[]): number {
  const possible = sumOf(rows.map(({ lru, min }) => lru - min));
  return possible === 0 ? 0 : sumOf(rows.map(({ lru, wtinylfu }) => lru - wtinylfu)) / possible;
}

function runSynthetic(): void {
  const capacity = 2000;
  const goals = new Map([
    ['loop 1.05 c', 0.2],
    ['loop 1.5 c', 0.45],
  ]);
  const table = new Table({ head: ['pattern', 'LRU %', 'W-TinyLFU %', 'MIN %'] });
  for (const { name, keys } of SYNTHETICS) {
    const row = rowOf(name, '', capacity, numbered(keys(capacity)));
    table.push([name, percent(row.lru), percent(row.wtinylfu), percent(row.min)]);
    const goal = goals.get(name);
    if (goal !== undefined && row.wtinylfu > goal) misses.push(`${name}: ${percent(row.wtinylfu)} % misses`);
  }
  console.log(table.toString());
}

/** Nanoseconds per access at growing capacities: all hits, and all misses. */
function runCost(): void {
  const table = new Table({ head: ['lines', 'LRU hit', 'LRU miss', 'W-TinyLFU hit', 'W-TinyLFU miss'] });
  for (const lines of [1e3, 1e4, 1e5, 1e6]) {
    const cells: string[] = [];
    for (const name of ['lru', 'wtinylfu'] as const) {
      const policy = POLICIES[name](lines);
      const fresh = numbered(Float64Array.from({ length: lines }, (_, i) => i));
      policyMisses(fresh, policy);
      const accesses = 2e6;
      const hits = { ...fresh, keys: Float64Array.from({ length: accesses }, (_, i) => (i * 7919) % lines) };
      const cold = { ...fresh, keys: Float64Array.from({ length: accesses }, (_, i) => lines + i) };
      cells.push(
        nanoseconds(() => policyMisses(hits, policy), accesses),
        nanoseconds(() => policyMisses(cold, policy), accesses),
      );
    }
    table.push([lines.toLocaleString('en'), ...cells]);
  }
  console.log(table.toString());
}

function nanoseconds(run: () => void, count: number): string {
  const start = performance.now();
  run();
  return `${(((performance.now() - start) * 1e6) / count).toFixed(0)} ns`;
}

function toNumbers(list: string): number[] {
  return list.split(',').map(Number);
}

function percent(ratio: number): string {
  return (ratio * 100).toFixed(2);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}
