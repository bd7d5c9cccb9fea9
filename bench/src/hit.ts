/**
 * What a hit costs: cached reads and writes in memory, alternating with a bare `Map` that copies, and with lru-cache holding
 * the same blocks. Every side is awaited alike, as a caller of a device awaits.
 */
import { connectMemory } from '@blockyard/backend-memory';
import { connectCache } from '@blockyard/cache';
import Table from 'cli-table3';
import { Command } from 'commander';
import { LRUCache } from 'lru-cache';
import { randomFrom } from './random.js';
import { medianOf, type Side, timeInRounds } from './rounds.js';

const SECTOR = 512;
const LINE = 65_536;
const DONE = Promise.resolve();

interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly vsMap: number;
  readonly vsLru: number;
}

const program = new Command('hit')
  .description('Cached reads and writes per second against a bare Map and lru-cache')
  .option('--working-set-mib <n>', 'memory that is hit', Number, 64)
  .option('--rounds <n>', 'rounds of all sides', Number, 9)
  .option('--operations <n>', 'operations of each side in a round', Number, 100_000)
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed: 0.8 of the Map at 4 KiB, more than lru-cache everywhere');
program.parse();
const options = program.opts<{
  workingSetMib: number;
  rounds: number;
  operations: number;
  json?: true;
  check?: true;
}>();
const workingSetBytes = options.workingSetMib * 2 ** 20;

const rows: Row[] = [];
for (const [blockSize, kind] of [
  [4096, 'read'],
  [4096, 'write'],
  [65_536, 'read'],
  [65_536, 'write'],
] as const) {
  const positions = randomBlocks(
    workingSetBytes / blockSize,
    blockSize === 4096 ? options.operations : options.operations / 5,
  );
  const sides = [
    await cacheSide(kind, blockSize, positions),
    mapSide(kind, blockSize, positions),
    lruSide(kind, blockSize, positions),
  ];
  const [cache = 0, map = 0, lru = 0] = await timeInRounds(sides, options.rounds);
  rows.push({
    name: `${blockSize / 1024} KiB ${kind}`,
    perSecond: 1 / medianOf([cache]),
    vsMap: map / cache,
    vsLru: lru / cache,
  });
}

const lineBytes: { lines: number; bytesPerLine: number }[] = [];
for (const lines of [1e4, 1e5, 1e6]) lineBytes.push({ lines, bytesPerLine: await bookkeepingPerLine(lines) });

if (options.json) {
  process.stdout.write(`${JSON.stringify({ rows, lineBytes }, undefined, 2)}\n`);
} else {
  const table = new Table({ head: ['hit', 'per second', 'of Map with a copy', 'of lru-cache'] });
  for (const { name, perSecond, vsMap, vsLru } of rows) {
    table.push([name, Math.round(perSecond).toLocaleString('en'), vsMap.toFixed(2), vsLru.toFixed(2)]);
  }
  console.log(table.toString());
  const tables = new Table({ head: ['lines of 64 KiB', 'bytes of bookkeeping per line'] });
  for (const { lines, bytesPerLine } of lineBytes) tables.push([lines.toLocaleString('en'), bytesPerLine.toFixed(1)]);
  console.log(tables.toString());
}
const isMissed =
  rows.some(({ name, vsMap, vsLru }) => vsLru < 1 || (name.startsWith('4 ') && vsMap < 0.8)) ||
  lineBytes.some(({ bytesPerLine }) => bytesPerLine >= 200);
if (options.check && isMissed) process.exitCode = 1;

function randomBlocks(blocks: number, count: number): Int32Array {
  const random = randomFrom(1);
  return Int32Array.from({ length: count }, () => Math.floor(random() * blocks));
}

async function cacheSide(kind: 'read' | 'write', blockSize: number, positions: Int32Array): Promise<Side> {
  const base = await connectMemory({ sectorSize: SECTOR, sizeSectors: workingSetBytes / SECTOR });
  const cache = await connectCache(base, {
    // Room enough that nothing of it has to be written back meanwhile.
    maxSizeBytes: workingSetBytes * 5,
    maxDirtyAgeMs: Number.POSITIVE_INFINITY,
  });
  const all = new Uint8Array(workingSetBytes).fill(1);
  await cache.write(0, [all]);
  await cache.flush();
  await cache.read(0, [all]);
  const buffers = [new Uint8Array(blockSize).fill(2)];
  const step = blockSize / SECTOR;
  return async () => {
    if (kind === 'read') for (const block of positions) await cache.read(block * step, buffers);
    else for (const block of positions) await cache.write(block * step, buffers);
    return positions.length;
  };
}

function mapSide(kind: 'read' | 'write', blockSize: number, positions: Int32Array): Side {
  const map = new Map<number, Uint8Array>();
  for (let block = 0; block < workingSetBytes / blockSize; block++) map.set(block, new Uint8Array(blockSize).fill(1));
  return copySide(kind, blockSize, positions, (block) => map.get(block));
}

function lruSide(kind: 'read' | 'write', blockSize: number, positions: Int32Array): Side {
  const lru = new LRUCache<number, Uint8Array>({ max: workingSetBytes / blockSize });
  for (let block = 0; block < workingSetBytes / blockSize; block++) lru.set(block, new Uint8Array(blockSize).fill(1));
  return copySide(kind, blockSize, positions, (block) => lru.get(block));
}

function copySide(
  kind: 'read' | 'write',
  blockSize: number,
  positions: Int32Array,
  get: (block: number) => Uint8Array | undefined,
): Side {
  const buffer = new Uint8Array(blockSize).fill(2);
  const read = (block: number): Promise<void> => {
    const found = get(block);
    if (found !== undefined) buffer.set(found);
    return DONE;
  };
  const write = (block: number): Promise<void> => {
    get(block)?.set(buffer);
    return DONE;
  };
  const operation = kind === 'read' ? read : write;
  return async () => {
    for (const block of positions) await operation(block);
    return positions.length;
  };
}

/** Bytes held beyond payload by a cache of so many lines, payload not yet allocated. */
async function bookkeepingPerLine(lines: number): Promise<number> {
  const base = await connectMemory({ sectorSize: SECTOR, sizeSectors: 1024 });
  const cache = await connectCache(base, { maxSizeBytes: lines * (LINE + 200), lineSize: LINE });
  const { heldBytes, linesMax } = cache.snapshot();
  await cache.disconnect();
  return heldBytes / linesMax;
}
