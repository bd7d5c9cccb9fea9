/**
 * Processor time of a request to S3: the SDK as it comes, our store with its client, and our store, side by side in each round,
 * against a store in another process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { openS3Store, type S3ObjectStore } from '@blockyard/object-store-s3';
import Table from 'cli-table3';
import { Command } from 'commander';
import { medianOf, medianRatio } from './rounds.js';

const KIB = 1024;
const MIB = 2 ** 20;
const BUCKET = 'bench';
const KEY = 'disks/bench/data/000000000000';
const CREDENTIALS = { accessKeyId: 'bench', secretAccessKey: 'secret' };

interface Row {
  readonly name: string;
  readonly method: 'get' | 'put';
  readonly bytes: number;
  /** Requests of each side in a round. */
  readonly requests: number;
}

const ROWS: readonly Row[] = [
  { name: 'GET 4 KiB of 1 MiB', method: 'get', bytes: 4 * KIB, requests: 2000 },
  { name: 'GET 1 MiB', method: 'get', bytes: MIB, requests: 300 },
  { name: 'PUT 4 KiB', method: 'put', bytes: 4 * KIB, requests: 2000 },
  { name: 'PUT 1 MiB', method: 'put', bytes: MIB, requests: 200 },
  { name: 'PUT 8 MiB', method: 'put', bytes: 8 * MIB, requests: 32 },
];

/** One of those that are compared. */
interface Side {
  readonly name: string;
  readonly get: (target: Uint8Array) => Promise<void>;
  readonly put: (body: Uint8Array) => Promise<void>;
  readonly close: () => void;
}

const program = new Command('s3-cpu')
  .description('Processor time of GETs and PUTs: the SDK as it comes, and our store')
  .option('--depth <n>', 'requests in flight', Number, 64)
  .option('--rounds <n>', 'rounds of all sides', Number, 5)
  .option('--scale <n>', 'requests in a round, in terms of the default', Number, 1)
  .option('--rows <list>', 'numbers of the rows to measure, from 1', (text) => text.split(',').map(Number))
  .option('--tls', 'over TLS, as to a store that is not near (openssl installed)')
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a request of 4 KiB takes more than half of what the SDK takes');
program.parse();
const options = program.opts<{
  depth: number;
  rounds: number;
  scale: number;
  rows?: number[];
  tls?: true;
  json?: true;
  check?: true;
}>();

const folder = await mkdtemp(join(tmpdir(), 'bench-s3-cpu-'));
// The certificate is made for the occasion: no one has signed it.
if (options.tls) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const script = fileURLToPath(new URL('s3-cpu-store.js', import.meta.url));
const server = spawn(process.execPath, [script, ...(options.tls ? [folder] : [])], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
try {
  const sides = sidesOf(await endpointOf(server));
  report(sides, await measure(sides));
  for (const side of sides) side.close();
} finally {
  server.stdin.end();
  await rm(folder, { recursive: true });
}

async function endpointOf({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the store says nothing');
  return String((await once(stdout, 'data'))[0]);
}

function sidesOf(endpoint: string): Side[] {
  const place = { endpoint, region: 'us-east-1', credentials: CREDENTIALS, forcePathStyle: true };
  // A client of the caller's own: all requests go through it.
  const client = new S3Client({
    ...place,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    maxAttempts: 1,
  });
  const limits = { bucket: BUCKET, minConcurrency: options.depth };
  return [
    sdkSide(new S3Client(place)),
    storeSide('our store, with a client given', openS3Store({ ...limits, client }), () => client.destroy()),
    storeSide('our store', openS3Store({ ...limits, ...place })),
  ];
}

function sdkSide(client: S3Client): Side {
  const object = { Bucket: BUCKET, Key: KEY };
  return {
    name: 'SDK as it comes',
    get: async (target) => {
      const range = `bytes=0-${target.byteLength - 1}`;
      const { Body } = await client.send(new GetObjectCommand({ ...object, Range: range }));
      let at = 0;
      for await (const piece of Body as AsyncIterable<Uint8Array>) {
        target.set(piece, at);
        at += piece.byteLength;
      }
      if (at !== target.byteLength) throw new Error(`${at} of ${target.byteLength} bytes`);
    },
    put: async (body) => {
      await client.send(new PutObjectCommand({ ...object, Body: body, Metadata: { blockyard: 'stamp' } }));
    },
    close: () => client.destroy(),
  };
}

function storeSide(name: string, store: S3ObjectStore, closed = () => {}): Side {
  return {
    name,
    get: async (target) => {
      let at = 0;
      const push = (piece: Uint8Array) => {
        target.set(piece, at);
        at += piece.byteLength;
      };
      await store.get(KEY, { offset: 0, lengthBytes: target.byteLength }, () => ({ push, end() {} }));
      if (at !== target.byteLength) throw new Error(`${at} of ${target.byteLength} bytes`);
    },
    put: async (body) => {
      const result = await store.put(KEY, body, 'any', 'stamp');
      if (result.kind !== 'stored') throw new Error(`a PUT was ${result.kind}`);
    },
    close: () => {
      store.close();
      closed();
    },
  };
}

interface Measured {
  readonly row: Row;
  /** For each side, in the order of the sides, microseconds of processor time for a request in each round. */
  readonly micros: readonly (readonly number[])[];
}

async function measure(sides: readonly Side[]): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const row of ROWS.filter((_, index) => options.rows?.includes(index + 1) ?? true)) {
    await sides[0]?.put(new Uint8Array(Math.max(row.bytes, MIB)));
    const buffers = Array.from({ length: options.depth }, () => new Uint8Array(row.bytes).fill(7));
    const micros = sides.map((): number[] => []);
    for (let round = -1; round < options.rounds; round++) {
      for (const [index, side] of sides.entries()) {
        const each = await microsOf(side, row, buffers);
        // The first round opens connections, and warms up.
        if (round >= 0) micros[index]?.push(each);
      }
    }
    measured.push({ row, micros });
  }
  return measured;
}

/** Of all threads of this process, in user mode and in the system. */
async function microsOf(side: Side, { method, requests }: Row, buffers: readonly Uint8Array[]): Promise<number> {
  const count = Math.max(1, Math.round(requests * options.scale));
  let left = count;
  const before = process.cpuUsage();
  await Promise.all(
    buffers.map(async (buffer) => {
      while (left-- > 0) await side[method](buffer);
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function report(sides: readonly Side[], measured: readonly Measured[]): void {
  const rows = measured.map(({ row, micros }) => ({
    name: row.name,
    micros: micros.map(medianOf),
    ofSdk: medianRatio(micros.at(-1) ?? [], micros[0] ?? []),
  }));
  if (options.json) {
    console.log(
      JSON.stringify(
        { durability: 'memory', depth: options.depth, sides: sides.map(({ name }) => name), rows },
        undefined,
        2,
      ),
    );
  } else {
    const table = new Table({ head: ['µs of processor time', ...sides.map(({ name }) => name), 'ours / SDK'] });
    for (const { name, micros, ofSdk } of rows) {
      table.push([name, ...micros.map((each) => each.toFixed(0)), ofSdk.toFixed(2)]);
    }
    console.log(table.toString());
  }
  if (options.check && rows.some(({ name, ofSdk }) => name.includes('4 KiB') && ofSdk > 0.5)) process.exitCode = 1;
}
