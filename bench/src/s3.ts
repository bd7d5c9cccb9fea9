/**
 * A cached volume in S3 as a disk, beside s3backer and, if asked, nbdkit's plugin for S3, over a link of a chosen round-trip
 * time: the same store, the same link, caches of the same size, one side after the other in each round. Figures are medians of
 * the rounds. Durability class: the store.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { medianOf, medianRatio } from './rounds.js';
import { runFio, type Work } from './s3/fio.js';
import { startLightStore } from './s3/light-store.js';
import { type LinkCounts, startLink } from './s3/link.js';
import { percentileOf, timePuts, timeUpload } from './s3/one-put.js';
import { blockyard, nbdkit, type Side, type Store, s3backer } from './s3/sides.js';
import { deleteBelow } from './s3/store.js';

const DURABILITY = 'the store';
const MEMORY = 'memory';
const KIB = 1024;
const MIB = 2 ** 20;
const AREA_BYTES = 128 * MIB;
/** Many times the caches, so that what is read at random is cold. */
const COLD_AREA_BYTES = 512 * MIB;

interface Row {
  readonly name: string;
  readonly work: Work;
  readonly unit: 's' | 'per s' | 'ms';
  /** What is done before, unmeasured, so that connections are open and code is compiled. It touches nothing of `work`'s area. */
  readonly warmUp?: Work;
  /** Whether `--check` asks that ours be ahead of the peer. */
  readonly mustLead: boolean;
  /** What the peer's flush is worth where it is not made true: written through, each block of such a row waits for the store in turn. */
  readonly peerDurability?: string;
  /** Whether PUTs alone are timed before and after it, so that figures can be told in terms of one. */
  readonly besidePuts?: true;
  /** Whether PUTs of as many bytes are timed before and after it. */
  readonly besideUpload?: true;
}

const small = { blockBytes: 4 * KIB, sizeBytes: AREA_BYTES };
const large = { blockBytes: MIB, sizeBytes: AREA_BYTES, depth: 4, operations: AREA_BYTES / MIB };

/** Reads of an area of twice the caches, in a state that the rows before it have made. */
function areaReads(depth: number, state: string): Row {
  return {
    name: `4 KiB random reads in 128 MiB, ${state}, cold, depth ${depth}`,
    work: { ...small, rw: 'randread', depth, operations: 8192 },
    warmUp: { ...small, offsetBytes: AREA_BYTES, rw: 'randread', depth, operations: 4096 },
    unit: 'per s',
    mustLead: false,
  };
}

/** In each round in this order: what a row writes is what those behind it find. */
const ROWS: readonly Row[] = [
  {
    name: '128 MiB sequential write, 1 MiB, depth 4, flush',
    work: { ...large, rw: 'write', flushEvery: AREA_BYTES / MIB },
    unit: 's',
    mustLead: false,
    peerDurability: MEMORY,
    besideUpload: true,
  },
  { name: 'the same read cold', work: { ...large, rw: 'read' }, unit: 's', mustLead: false },
  ...[16, 64].map((depth) => areaReads(depth, 'as written in order')),
  ...[16, 64].map(
    (depth): Row => ({
      name: `4 KiB random reads in 512 MiB, cold, depth ${depth}`,
      work: { ...small, sizeBytes: COLD_AREA_BYTES, rw: 'randread', depth, operations: 8192 },
      warmUp: { ...small, offsetBytes: COLD_AREA_BYTES, rw: 'randread', depth, operations: 4096 },
      unit: 'per s',
      mustLead: depth === 64,
    }),
  ),
  {
    name: '2,000 random 4 KiB writes, then a flush',
    work: { ...small, rw: 'randwrite', depth: 16, operations: 2000, flushEvery: 2000 },
    unit: 's',
    mustLead: false,
    peerDurability: MEMORY,
  },
  ...[16, 64].map((depth) => areaReads(depth, 'as those writes left it')),
  {
    name: '4 KiB write and flush, median of 40',
    work: { ...small, rw: 'randwrite', depth: 1, operations: 40, flushEvery: 1 },
    unit: 'ms',
    mustLead: true,
    besidePuts: true,
  },
];

const program = new Command('s3')
  .description(
    'A cached S3 volume beside s3backer. The store is S3_ENDPOINT (a host name under which BUCKET.HOST resolves, for s3backer), S3_BUCKET, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY',
  )
  .option('--rtt-ms <n>', 'round-trip time that a proxy on this machine adds; 0: none', Number, 20)
  .option('--rounds <n>', 'rounds of all sides', Number, 3)
  .option('--cache-mib <n>', 'size of each cache', Number, 64)
  .option('--volume-mib <n>', 'size of the volume', Number, 1024)
  .option('--objects <list>', 'KiB in one object of ours, one side each, or none', numbers, [1024, 256, 64])
  .option('--block-kib <n>', 'KiB in one block of s3backer', Number, 128)
  .option('--rows <list>', 'numbers of the rows to measure, from 1', numbers)
  .option('--no-log', 'leave the log volume out')
  .option('--no-peer', 'leave s3backer out')
  .option('--nbdkit', 'nbdkit’s plugin for S3 too, which needs Python’s boto3; few rows end in time')
  .option('--light-store', 'a store in memory of this repository in place of S3_ENDPOINT, without s3backer')
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a row that must lead does not, with the best of our sides');
program.parse();
const options = program.opts<{
  rttMs: number;
  rounds: number;
  cacheMib: number;
  volumeMib: number;
  objects: number[];
  blockKib: number;
  rows?: number[];
  log: boolean;
  peer: boolean;
  nbdkit?: true;
  lightStore?: true;
  json?: true;
  check?: true;
}>();

interface Measured {
  readonly row: Row;
  /** For each side, in the order of the sides, a figure of each round. */
  readonly figures: readonly (readonly number[])[];
}

/** Milliseconds of a write and flush, and of the PUTs beside it. */
interface BesidePuts {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly putMs: readonly number[];
}

/** By row and side, of each round. */
const puts = new Map<string, BesidePuts[]>();
/** By row and side, of the last round. */
const traffic = new Map<string, LinkCounts>();
/** What all keys of this run begin with. */
const runPrefix = `bench-${Date.now().toString(36)}-`;
const folder = await mkdtemp(join(tmpdir(), 'bench-s3-'));
const light = options.lightStore ? await startLightStore() : undefined;
const direct = light?.store ?? storeOf(process.env);
const link = options.rttMs > 0 ? await startLink(direct.endpoint, options.rttMs) : undefined;
/** By row and side, of each round: seconds of the PUTs alone, and how many times as long the row took. */
const uploads = new Map<string, { readonly seconds: number; readonly times: number }[]>();
let timeBeside = async (): Promise<number[]> => [];
let uploadBeside = async (): Promise<number> => Number.NaN;
try {
  const store = link === undefined ? direct : { ...direct, endpoint: throughLink(direct.endpoint, link.port) };
  const sides = sidesOf(store);
  timeBeside = () => timePuts(store, `${runPrefix}puts`);
  uploadBeside = () => timeUpload(store, `${runPrefix}puts`);
  for (const side of sides) await side.create();
  await fill(sides);
  report(sides, await measure(sides));
} finally {
  await link?.stop();
  if (light === undefined) await deleteBelow(direct, runPrefix);
  await light?.stop();
  await rm(folder, { recursive: true, force: true });
}

function numbers(text: string): number[] {
  return text === 'none' ? [] : text.split(',').map(Number);
}

function storeOf(env: NodeJS.ProcessEnv): Store {
  const names = ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const;
  const missing = names.filter((name) => !env[name]);
  if (missing.length > 0) program.error(`set ${missing.join(', ')}`);
  return {
    endpoint: new URL(env.S3_ENDPOINT ?? ''),
    region: env.S3_REGION ?? 'us-east-1',
    bucket: env.S3_BUCKET ?? '',
    accessKeyId: env.S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: env.S3_SECRET_ACCESS_KEY ?? '',
  };
}

/** The link listens on the loopback interface, under whatever name the store has. */
function throughLink(endpoint: URL, port: number): URL {
  const url = new URL(endpoint);
  url.port = String(port);
  return url;
}

function sidesOf(store: Store): Side[] {
  const common = {
    store,
    folder,
    volumeBytes: options.volumeMib * MIB,
    cacheBytes: options.cacheMib * MIB,
  };
  const ours = options.objects.map((kib) =>
    blockyard({ ...common, prefix: `${runPrefix}${kib}`, blockBytes: kib * KIB }),
  );
  if (options.log) ours.unshift(blockyard({ ...common, prefix: `${runPrefix}log`, blockBytes: 0 }, 'log'));
  if (options.lightStore) return ours;
  const peer = s3backer({ ...common, prefix: `${runPrefix}peer`, blockBytes: options.blockKib * KIB });
  const second = nbdkit({ ...common, prefix: `${runPrefix}nbdkit`, blockBytes: 0 });
  return [...ours, ...(options.peer ? [peer] : []), ...(options.nbdkit ? [second] : [])];
}

/** So that there is something to read, and to write over, whichever rows are measured. */
async function fill(sides: readonly Side[]): Promise<void> {
  const works = rowsToMeasure().flatMap(({ work, warmUp }) => [work, ...(warmUp === undefined ? [] : [warmUp])]);
  const sizeBytes = Math.max(...works.map((each) => (each.offsetBytes ?? 0) + each.sizeBytes));
  const work: Work = { ...large, sizeBytes, rw: 'write', operations: sizeBytes / MIB };
  for (const side of sides) {
    await runFio(await side.start(false), work);
    await side.stop();
  }
}

function rowsToMeasure(): readonly Row[] {
  return ROWS.filter((_, index) => options.rows?.includes(index + 1) ?? true);
}

async function measure(sides: readonly Side[]): Promise<Measured[]> {
  const measured = rowsToMeasure().map((row) => ({ row, figures: sides.map((): number[] => []) }));
  for (let round = 0; round < options.rounds; round++) {
    for (const { row, figures } of measured) {
      for (const [index, side] of sides.entries()) figures[index]?.push(await once(side, row));
    }
  }
  return measured;
}

/** One round of one side, from a start with an empty cache. */
async function once(side: Side, row: Row): Promise<number> {
  const { name, work, warmUp, unit, besidePuts, besideUpload, peerDurability } = row;
  const disk = await side.start(work.flushEvery !== undefined && peerDurability === undefined);
  if (warmUp !== undefined) await runFio(disk, warmUp);
  const putMs = besidePuts ? await timeBeside() : [];
  const uploadBefore = besideUpload ? await uploadBeside() : 0;
  const before = { requests: 0, upBytes: 0, downBytes: 0, ...link?.counts };
  const { seconds, medianMs, p99Ms } = await runFio(disk, work);
  if (link !== undefined) traffic.set(`${name}/${side.name}`, countsBetween(before, link.counts));
  if (besidePuts) {
    putMs.push(...(await timeBeside()));
    const of = `${name}/${side.name}`;
    puts.set(of, [...(puts.get(of) ?? []), { medianMs, p99Ms, putMs }]);
  }
  if (besideUpload) {
    const alone = (uploadBefore + (await uploadBeside())) / 2;
    const of = `${name}/${side.name}`;
    uploads.set(of, [...(uploads.get(of) ?? []), { seconds: alone, times: seconds / alone }]);
  }
  await side.stop();
  if (unit === 'ms') return medianMs;
  return unit === 's' ? seconds : work.operations / seconds;
}

function countsBetween(before: LinkCounts, { requests, upBytes, downBytes }: LinkCounts): LinkCounts {
  return {
    requests: requests - before.requests,
    upBytes: upBytes - before.upBytes,
    downBytes: downBytes - before.downBytes,
  };
}

/** What the last round of a row took of the store, as far as the link has seen it. */
function describeTraffic(row: Row, side: Side): string {
  const found = traffic.get(`${row.name}/${side.name}`);
  if (found === undefined) return '';
  const mib = (bytes: number) => (bytes / MIB).toFixed(1);
  return `\n${found.requests} requests, ${mib(found.upBytes)} MiB up, ${mib(found.downBytes)} down`;
}

/** A write and flush in terms of a PUT of as much, which the same round has timed. */
function describePuts(row: Row, side: Side): string {
  const rounds = puts.get(`${row.name}/${side.name}`);
  if (rounds === undefined) return '';
  const ratios = rounds.map(({ medianMs, p99Ms, putMs }) => ({
    median: medianMs / percentileOf(putMs, 50),
    p99: p99Ms / percentileOf(putMs, 99),
    put: percentileOf(putMs, 50),
  }));
  const of = (figure: 'median' | 'p99' | 'put') => medianOf(ratios.map((each) => each[figure]));
  return `\none PUT ${of('put').toFixed(0)} ms; of that ${of('median').toFixed(2)}, 99th percentiles ${of('p99').toFixed(2)}`;
}

/** A long write in terms of PUTs of as many bytes. */
function describeUpload(row: Row, side: Side): string {
  const rounds = uploads.get(`${row.name}/${side.name}`);
  if (rounds === undefined) return '';
  const of = (figure: 'seconds' | 'times') => medianOf(rounds.map((each) => each[figure])).toFixed(2);
  return `\nPUTs alone ${of('seconds')} s; of that ${of('times')}`;
}

function report(sides: readonly Side[], measured: readonly Measured[]): void {
  const rows = measured.map(({ row, figures }) => ({ row, figures, lead: leadOf(sides, row, figures) }));
  if (options.json) {
    const names = sides.map(({ name }) => name);
    const report = {
      durability: DURABILITY,
      rttMs: options.rttMs,
      sides: names,
      rows,
      traffic: Object.fromEntries(traffic),
      puts: Object.fromEntries(puts),
      uploads: Object.fromEntries(uploads),
    };
    console.log(JSON.stringify(report, undefined, 2));
  } else {
    const table = new Table({
      head: ['', ...sides.map(({ name }) => name), 'best of ours / peer', 'durability class'],
    });
    for (const { row, figures, lead } of rows) {
      const cells = figures.map((ofSide, index) => {
        const figure = `${medianOf(ofSide).toFixed(row.unit === 's' ? 2 : 0)} ${row.unit}`;
        const side = sides[index];
        return side === undefined
          ? figure
          : figure + describePuts(row, side) + describeUpload(row, side) + describeTraffic(row, side);
      });
      table.push([row.name, ...cells, lead === undefined ? '' : lead.toFixed(2), durabilityOf(row, sides)]);
    }
    console.log(table.toString());
  }
  const isBehind = rows.some(({ row, lead }) => row.mustLead && lead !== undefined && lead <= 1);
  if (options.check && isBehind) process.exitCode = 1;
}

function durabilityOf({ peerDurability }: Row, sides: readonly Side[]): string {
  const peer = sides.find(({ isFlushEmpty }) => isFlushEmpty);
  if (peer === undefined || peerDurability === undefined) return DURABILITY;
  return `${DURABILITY}\n${peer.name}: ${peerDurability}`;
}

/** How many times as fast as the peer the best of our sides is; undefined without a peer. */
function leadOf(sides: readonly Side[], { unit }: Row, figures: Measured['figures']): number | undefined {
  const peer = figures[sides.findIndex(({ isOurs }) => !isOurs)];
  const ours = figures.filter((_, index) => sides[index]?.isOurs);
  if (peer === undefined || ours.length === 0) return undefined;
  return Math.max(...ours.map((side) => (unit === 'per s' ? medianRatio(side, peer) : medianRatio(peer, side))));
}
