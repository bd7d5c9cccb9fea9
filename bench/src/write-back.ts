/**
 * Writes of the base for each line that clients write, over traces that have writes: a base that stores objects of 1 MiB, a
 * cache of a tenth of the lines that the trace touches. Runs of one object that arrive together are one write of the object, as
 * in the S3 backend. No cache can make fewer than one for each object that is ever written: where a trace writes hardly
 * anything twice, that is most of what can be had.
 */
import { type BlockDevice, createDevice } from '@blockyard/block';
import { connectCache } from '@blockyard/cache';
import Table from 'cli-table3';
import { Command } from 'commander';
import { accessesOf, firstLine, lastLine } from './accesses.js';
import { ObjectCounter } from './object-counter.js';
import { readTrace, type Trace, tracesIn } from './trace.js';

const OBJECT_BYTES = 1 << 20;
const SECTOR = 512;
const GOAL = 0.3;
const DURABILITY = 'none: writes are counted';

interface Row {
  readonly trace: string;
  readonly lineWrites: number;
  /** Calls of the base, and objects that they changed. */
  readonly baseWrites: number;
  readonly objectWrites: number;
  readonly perLineWrite: number;
  /** The same if each object that is ever written were written once. */
  readonly leastPerLineWrite: number;
  /** Requests that waited for memory. */
  readonly waits: number;
}

const program = new Command('write-back')
  .description('Writes of the base per line written, on traces with writes (BTR1 or CSV, gzip or not)')
  .argument('[files...]', 'trace files')
  .option('--traces <dir>', 'all traces of a folder')
  .option('--capacity <per cent>', 'size of the cache in per cent of the unique lines', Number, 10)
  .option('--json', 'print JSON')
  .option('--check', `exit with 1 if all together are above ${GOAL}, or a request waited`);
program.parse();
const options = program.opts<{ traces?: string; capacity: number; json?: true; check?: true }>();
const files = [...program.args, ...(await tracesIn(options.traces))];
if (files.length === 0) program.help({ error: true });

const rows: Row[] = [];
for (const file of files) {
  const trace = await readTrace(file);
  if (trace.writes.some((write) => write === 1)) rows.push(await replay(trace));
}
const sumOf = (of: (row: Row) => number) => rows.reduce((sum, row) => sum + of(row), 0);
const mean = sumOf(({ perLineWrite }) => perLineWrite) / rows.length;
const total = sumOf(({ objectWrites }) => objectWrites) / sumOf(({ lineWrites }) => lineWrites);
const waits = sumOf((row) => row.waits);
if (options.json) {
  console.log(JSON.stringify({ durability: DURABILITY, rows, mean, total, waits }, undefined, 2));
} else {
  const table = new Table({
    head: [
      'trace',
      'lines written',
      'calls of the base',
      'object writes',
      'per line',
      'at best',
      'requests that waited',
    ],
  });
  for (const { trace, lineWrites, baseWrites, objectWrites, perLineWrite, leastPerLineWrite, waits } of rows) {
    const shares = [perLineWrite, leastPerLineWrite].map((share) => share.toFixed(3));
    table.push([trace, lineWrites, baseWrites, objectWrites, ...shares, waits]);
  }
  console.log(table.toString());
  console.log(
    `all together ${total.toFixed(3)}, mean of the traces ${mean.toFixed(3)} (durability class: ${DURABILITY})`,
  );
}
if (options.check && (total > GOAL || waits > 0)) process.exitCode = 1;

async function replay(trace: Trace): Promise<Row> {
  const lineSize = trace.blockBytes;
  const { unique } = accessesOf(trace, lineSize);
  const objects = new ObjectCounter(OBJECT_BYTES);
  const base = sink(endOf(trace), objects);
  const lines = Math.round((unique * options.capacity) / 100);
  const cache = await connectCache(base, {
    lineSize,
    maxSizeBytes: lines * (lineSize + 200) + 2 * OBJECT_BYTES,
    seed: 1,
  });
  let lineWrites = 0;
  for (let i = 0; i < trace.offsets.length; i++) {
    const first = firstLine(trace, i, lineSize);
    const count = lastLine(trace, i, lineSize) - first + 1;
    if (count <= 0) continue;
    const offset = trace.offsets[i] as number;
    const from = Math.floor(offset / SECTOR);
    const sectors = Math.ceil((offset + (trace.lengths[i] as number)) / SECTOR) - from;
    const buffer = new Uint8Array(sectors * SECTOR);
    if (trace.writes[i] === 1) {
      lineWrites += count;
      await cache.write(from, [buffer]);
    } else {
      await cache.read(from, [buffer]);
    }
  }
  await cache.flush();
  const { baseWrites, latencies } = cache.snapshot();
  await cache.disconnect();
  return {
    trace: trace.name,
    lineWrites,
    baseWrites,
    objectWrites: objects.writes,
    perLineWrite: objects.writes / lineWrites,
    leastPerLineWrite: objects.written / lineWrites,
    waits: latencies.writeWait.count,
  };
}

/** A base of objects that takes everything and keeps nothing. */
function sink(sizeBytes: number, objects: ObjectCounter): BlockDevice {
  return createDevice({
    name: 'sink',
    sectorSize: SECTOR,
    sizeSectors: Math.ceil(sizeBytes / OBJECT_BYTES) * (OBJECT_BYTES / SECTOR),
    preferredIoBytes: OBJECT_BYTES,
    atomicSectors: true,
    read() {},
    write(start, buffers) {
      objects.add(
        start * SECTOR,
        buffers.reduce((sum, { byteLength }) => sum + byteLength, 0),
      );
    },
    flush() {},
    resize() {},
    disconnect() {},
  });
}

function endOf({ offsets, lengths }: Trace): number {
  let end = 0;
  for (let i = 0; i < offsets.length; i++) end = Math.max(end, (offsets[i] as number) + (lengths[i] as number));
  return end;
}
