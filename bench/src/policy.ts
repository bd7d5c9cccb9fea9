/**
 * How far an eviction policy gets from LRU towards MIN, on traces of real disks and on patterns made to hurt. It drives the
 * cache's own policies.
 */
import { Clock2QPlusPolicy, type EvictionPolicy, LruPolicy, WTinyLfuPolicy } from '@blockyard/cache/policies';
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
/** Share of the gap by which the cache's policy has to be ahead of Clock2Q+ to stay the default. */
const LEAD_MIN = 0.05;

type PolicyName = 'lru' | 'clock2qplus' | 'wtinylfu';
const POLICIES: Readonly<Record<PolicyName, (capacity: number) => EvictionPolicy>> = {
  lru: (capacity) => new LruPolicy({ capacity, seed: SEED }),
  clock2qplus: (capacity) => new Clock2QPlusPolicy({ capacity, seed: SEED }),
  wtinylfu: (capacity) => new WTinyLfuPolicy({ capacity, seed: SEED }),
};

/** Miss ratios of one trace at one capacity. */
interface Row {
  readonly trace: string;
  readonly share: string;
  readonly lines: number;
  readonly lru: number;
  readonly clock2qplus: number;
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
    'Miss ratios of LRU, Clock2Q+, the cache policy and MIN on block traces (BTR1 or CSV "offset,bytes,op", gzip or not)',
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
  const gaps = traces.map((trace) => {
    const own = rows.filter((row) => row.trace === trace);
    return { trace, gap: gapOf(own, 'wtinylfu'), clock2qplusGap: gapOf(own, 'clock2qplus') };
  });
  const meanGap = meanOf(gaps.map(({ gap }) => gap));
  const meanClock2QPlusGap = meanOf(gaps.map(({ clock2qplusGap }) => clock2qplusGap));
  const worst = rows.reduce((a, b) => (b.wtinylfu - b.lru > a.wtinylfu - a.lru ? b : a));
  const worstPoints = (worst.wtinylfu - worst.lru) * 100;
  const goal = goalFor(options.blockSize ?? 0);
  if (meanGap < goal.gap) misses.push(`mean gap ${meanGap.toFixed(3)}`);
  if (meanGap - meanClock2QPlusGap < LEAD_MIN) {
    misses.push(`mean gap ${meanGap.toFixed(3)}, of Clock2Q+ ${meanClock2QPlusGap.toFixed(3)}`);
  }
  if (worstPoints > goal.worstPoints)
    misses.push(`${worst.trace} at ${worst.share}: ${worstPoints.toFixed(2)} points above LRU`);
  if (options.json) {
    // Policies are driven without data.
    console.log(
      JSON.stringify(
        { durability: 'nothing is written', rows, gaps, meanGap, meanClock2QPlusGap, worstPoints },
        undefined,
        2,
      ),
    );
    return;
  }
  const table = new Table({
    head: ['trace', 'capacity', 'lines', 'LRU %', 'Clock2Q+ %', 'W-TinyLFU %', 'MIN %', 'gap', 'Clock2Q+', 'ns'],
  });
  for (const row of rows) {
    table.push([
      row.trace,
      row.share,
      row.lines,
      percent(row.lru),
      percent(row.clock2qplus),
      percent(row.wtinylfu),
      percent(row.min),
      gapOf([row], 'wtinylfu').toFixed(2),
      gapOf([row], 'clock2qplus').toFixed(2),
      Math.round(row.nsPerAccess),
    ]);
  }
  console.log(table.toString());
  for (const { trace, gap, clock2qplusGap } of gaps) {
    console.log(
      `${trace.padEnd(14)} gap closed from LRU to MIN: ${gap.toFixed(3)}; Clock2Q+ ${clock2qplusGap.toFixed(3)}`,
    );
  }
  console.log(
    `mean gap ${meanGap.toFixed(3)}; Clock2Q+ ${meanClock2QPlusGap.toFixed(3)}; worst row ${worst.trace} ${worst.share}: ${worstPoints.toFixed(2)} points against LRU`,
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
  const clock2qplus = policyMisses(accesses, POLICIES.clock2qplus(lines)) / total;
  const start = performance.now();
  const wtinylfu = policyMisses(accesses, POLICIES.wtinylfu(lines)) / total;
  const nsPerAccess = ((performance.now() - start) * 1e6) / total;
  return { trace, share, lines, lru, clock2qplus, wtinylfu, min: minMisses(accesses, lines) / total, nsPerAccess };
}

/** What the policy has to reach: the larger the lines, the less there is to be gained. */
function goalFor(lineBytes: number): { readonly gap: number; readonly worstPoints: number } {
  if (lineBytes >= 262_144) return { gap: 0.1, worstPoints: 2 };
  return lineBytes >= 65_536 ? { gap: 0.12, worstPoints: 2 } : { gap: 0.5, worstPoints: 1 };
}

/** Share of the possible improvement from LRU (0) to MIN (1), over all capacities of a trace together. */
function gapOf(rows: readonly Row[], policy: PolicyName): number {
  const possible = sumOf(rows.map(({ lru, min }) => lru - min));
  return possible === 0 ? 0 : sumOf(rows.map((row) => row.lru - row[policy])) / possible;
}

function runSynthetic(): void {
  const capacity = 2000;
  const goals = new Map([
    ['loop 1.05 c', 0.2],
    ['loop 1.5 c', 0.45],
  ]);
  const table = new Table({ head: ['pattern', 'LRU %', 'Clock2Q+ %', 'W-TinyLFU %', 'MIN %'] });
  for (const { name, keys } of SYNTHETICS) {
    const row = rowOf(name, '', capacity, numbered(keys(capacity)));
    table.push([name, percent(row.lru), percent(row.clock2qplus), percent(row.wtinylfu), percent(row.min)]);
    const goal = goals.get(name);
    if (goal !== undefined && row.wtinylfu > goal) misses.push(`${name}: ${percent(row.wtinylfu)} % misses`);
  }
  console.log(table.toString());
}

/** Nanoseconds per access at growing capacities: all hits, and all misses. */
function runCost(): void {
  const names = ['lru', 'clock2qplus', 'wtinylfu'] as const;
  const table = new Table({ head: ['lines', ...names.flatMap((name) => [`${name} hit`, `${name} miss`])] });
  for (const lines of [1e3, 1e4, 1e5, 1e6]) {
    const cells: string[] = [];
    for (const name of names) {
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
