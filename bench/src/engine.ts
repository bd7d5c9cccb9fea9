/**
 * The cache against the limit of the link: a base in memory behind 20 ms a read and 40 ms a write, both without limit in
 * parallel, raw and behind a cache of 64 MiB, in one run.
 */
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, copy } from '@blockyard/block';
import { type CacheDevice, connectCache } from '@blockyard/cache';
import { withDelay } from '@blockyard/layers';
import Table from 'cli-table3';
import { Command } from 'commander';
import { randomFrom } from './random.js';
import { medianOf } from './rounds.js';

const MIB = 2 ** 20;
const SECTOR = 512;
const BLOCK = 4096;
const LINE = 65_536;
const CACHE_BYTES = 64 * MIB;
const READ_MS = 20;
const WRITE_MS = 40;
const DEPTH = 32;

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly raw: number | undefined;
  readonly cached: number;
  readonly goal: number;
  /** Whether more is better. */
  readonly isRate: boolean;
}

const program = new Command('engine')
  .description('A cache of 64 MiB over a base that is 20 and 40 ms away, against the same base raw')
  .option('--device-mib <n>', 'size of the device', Number, 1024)
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<{ deviceMib: number; json?: true; check?: true }>();
const deviceBytes = options.deviceMib * MIB;

// A first pass for the compiler, not counted.
await readRate(await openCache(await openBase()), randomBlocks(2000));
await writeRate(await openCache(await openBase()), randomBlocks(2000, 8 * MIB));

const rows: Row[] = [
  await coldRandomReads(),
  await coldRandomWrites(),
  await sustainedRandomWrites(),
  await scatteredFlush(),
  await sequentialReads(),
  await copyIn(),
  await zeroing(),
  await scanBesideHotSet(),
];
print();

/** The far base; `content` filled first, at no delay. */
async function openBase(sizeBytes = deviceBytes, content = false): Promise<BlockDevice> {
  const memory = await connectMemory({ sectorSize: SECTOR, sizeSectors: sizeBytes / SECTOR });
  if (content) {
    const chunk = new Uint8Array(MIB).fill(1);
    for (let at = 0; at < sizeBytes; at += MIB) await memory.write(at / SECTOR, [chunk]);
  }
  return withDelay(memory, { latencyMs: { read: READ_MS, write: WRITE_MS, discard: WRITE_MS, writeZeroes: WRITE_MS } });
}

function openCache(base: BlockDevice): Promise<CacheDevice> {
  return connectCache(base, { maxSizeBytes: CACHE_BYTES, lineSize: LINE });
}

/** Seconds that `count` calls take, so many of them in flight. */
async function timed(count: number, depth: number, call: (i: number) => Promise<void>): Promise<number> {
  let next = 0;
  const start = performance.now();
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: depth }, worker));
  return (performance.now() - start) / 1000;
}

function randomBlocks(count: number, ofBytes = deviceBytes): number[] {
  const random = randomFrom(7);
  return Array.from({ length: count }, () => Math.floor(random() * (ofBytes / BLOCK)) * (BLOCK / SECTOR));
}

async function readRate(device: BlockDevice, positions: readonly number[]): Promise<number> {
  const buffers = Array.from({ length: positions.length }, () => new Uint8Array(BLOCK));
  return (
    positions.length /
    (await timed(positions.length, DEPTH, (i) => device.read(positions[i] ?? 0, [buffers[i] as Uint8Array])))
  );
}

async function writeRate(device: BlockDevice, positions: readonly number[]): Promise<number> {
  const buffer = new Uint8Array(BLOCK).fill(3);
  return positions.length / (await timed(positions.length, DEPTH, (i) => device.write(positions[i] ?? 0, [buffer])));
}

async function coldRandomReads(): Promise<Row> {
  const positions = randomBlocks(6000);
  const raw = await readRate(await openBase(), positions);
  const cached = await readRate(await openCache(await openBase()), positions);
  return { name: 'cold 4 KiB random reads, depth 32', unit: '/s', raw, cached, goal: 1500, isRate: true };
}

/** As many as the cache takes in without having to wait for the base. */
async function coldRandomWrites(): Promise<Row> {
  const raw = await writeRate(await openBase(), randomBlocks(1000));
  const positions = randomBlocks(20_000, 24 * MIB);
  const cached = await writeRate(await openCache(await openBase()), positions);
  return { name: 'cold 4 KiB random writes, depth 32', unit: '/s', raw, cached, goal: 100_000, isRate: true };
}

/** Far more lines than the cache holds: every write has to wait until the base took another line. */
async function sustainedRandomWrites(): Promise<Row> {
  const raw = await writeRate(await openBase(), randomBlocks(1000));
  const cached = await writeRate(await openCache(await openBase()), randomBlocks(30_000));
  return { name: 'the same over 1 GiB, sustained', unit: '/s', raw, cached, goal: 0, isRate: true };
}

async function scatteredFlush(): Promise<Row> {
  const lines = 840;
  const line = new Uint8Array(LINE).fill(5);
  const positions = Array.from({ length: lines }, (_, i) => i * 18 * (LINE / SECTOR));
  // One after the other, as a flush that does not overlap its writes; 20 of them are enough to know the rest.
  const rawBase = await openBase();
  const raw = await timed(20, 1, (i) => rawBase.write(positions[i] ?? 0, [line]));
  const cache = await openCache(await openBase());
  await timed(lines, 1, (i) => cache.write(positions[i] ?? 0, [line]));
  const cached = await timed(1, 1, () => cache.flush());
  return {
    name: 'flush of 840 scattered dirty lines',
    unit: ' s',
    raw: (raw / 20) * lines,
    cached,
    goal: 1,
    isRate: false,
  };
}

async function sequentialReads(): Promise<Row> {
  const bytes = 256 * MIB;
  const chunk = 128 * 1024;
  const rate = async (device: BlockDevice, of: number) => {
    const buffer = new Uint8Array(chunk);
    return of / MIB / (await timed(of / chunk, 1, (i) => device.read((i * chunk) / SECTOR, [buffer])));
  };
  const raw = await rate(await openBase(), 8 * MIB);
  const cached = await rate(await openCache(await openBase(bytes, true)), bytes);
  return { name: 'sequential 128 KiB reads, depth 1', unit: ' MiB/s', raw, cached, goal: 200, isRate: true };
}

async function copyIn(): Promise<Row> {
  const bytes = 64 * MIB;
  const source = await connectMemory({ sectorSize: SECTOR, sizeSectors: bytes / SECTOR });
  const chunk = new Uint8Array(MIB);
  for (let at = 0; at < bytes; at += MIB) await source.write(at / SECTOR, [chunk.fill(1 + at / MIB)]);
  const seconds = async (target: BlockDevice) =>
    timed(1, 1, async () => {
      await copy(source, target);
    });
  const raws: number[] = [];
  const cacheds: number[] = [];
  for (let round = 0; round < 3; round++) {
    raws.push(await seconds(await openBase(bytes)));
    cacheds.push(await seconds(await openCache(await openBase(bytes))));
  }
  const raw = medianOf(raws);
  return { name: 'copy of 64 MiB, flushed', unit: ' s', raw, cached: medianOf(cacheds), goal: raw, isRate: false };
}

async function zeroing(): Promise<Row> {
  const bytes = 64 * MIB;
  const seconds = (device: BlockDevice) =>
    timed(1, 1, async () => {
      await device.writeZeroes(0, bytes / SECTOR);
      await device.flush();
    });
  const raw = await seconds(await openBase(bytes, true));
  const cached = await seconds(await openCache(await openBase(bytes, true)));
  return { name: 'zeroing 64 MiB and flush', unit: ' s', raw, cached, goal: 0.2, isRate: false };
}

/** A scan of the device beside 4 KiB reads of a hot set of 32 MiB that was read twice before. */
async function scanBesideHotSet(): Promise<Row> {
  const hotBytes = 32 * MIB;
  const cache = await openCache(await openBase(deviceBytes));
  const buffer = new Uint8Array(BLOCK);
  const line = new Uint8Array(LINE);
  const random = randomFrom(11);
  const hot = () => Math.floor(random() * (hotBytes / BLOCK)) * (BLOCK / SECTOR);
  for (let pass = 0; pass < 3; pass++) {
    await timed(hotBytes / LINE, DEPTH, (i) => cache.read((i * LINE) / SECTOR, [new Uint8Array(LINE)]));
  }
  let reads = 0;
  let hits = 0;
  for (let at = hotBytes; at < deviceBytes; at += LINE) {
    await cache.read(at / SECTOR, [line]);
    for (let i = 0; i < 4; i++) {
      const position = hot();
      if (cache.states(position, BLOCK / SECTOR).every(({ state }) => state === 'clean')) hits++;
      reads++;
      await cache.read(position, [buffer]);
    }
  }
  return {
    name: 'hot set of 32 MiB beside a scan: hits',
    unit: '',
    raw: undefined,
    cached: hits / reads,
    goal: 0.95,
    isRate: true,
  };
}

function isMet({ cached, goal, isRate }: Row): boolean {
  return isRate ? cached >= goal : cached <= goal;
}

function print(): void {
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify(
        rows.map((row) => ({ ...row, isMet: isMet(row) })),
        undefined,
        2,
      )}\n`,
    );
  } else {
    const table = new Table({ head: ['', 'raw', 'cached', 'goal', 'met'] });
    const show = (value: number, { unit }: Row) =>
      `${value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en')}${unit}`;
    for (const row of rows) {
      const goal = row.goal === 0 ? '' : show(row.goal, row);
      table.push([
        row.name,
        row.raw === undefined ? '' : show(row.raw, row),
        show(row.cached, row),
        goal,
        isMet(row) ? 'yes' : 'no',
      ]);
    }
    console.log(table.toString());
  }
  if (options.check && !rows.every(isMet)) process.exitCode = 1;
  process.exit();
}
