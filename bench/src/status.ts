/**
 * What `blockyard status` tells of the time that is left, against the truth: servers with a cache over an S3 store
 * that is 10 to 400 ms away are filled and then stopped, and asked again and again until they end. In every other one the store is
 * away for a while.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OddStore, startOddStore } from '@blockyard/local-s3';
import { connectNbd } from '@blockyard/nbd';
import Table from 'cli-table3';
import { Command } from 'commander';
import { randomFrom } from './random.js';

const BLOCK = 4096;
const LINE = 65_536;
/** Requests in flight, few enough for this machine at 10 ms, store and all. */
const REQUESTS = 8;
/** The store takes any. */
const CREDENTIALS = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const MAIN = join(dirname(createRequire(import.meta.url).resolve('@blockyard/cli/package.json')), 'dist/main.js');
/** Estimates count from then on, and as long as there is at least so much left. */
const KNOWN_AFTER_MS = 3000;
const LEFT_MS_MIN = 1000;
const SHARE_MAX = 0.2;
const ASK_EVERY_MS = 200;

const program = new Command('status')
  .description('What status tells of the time that is left, against the truth')
  .option('--drains <n>', 'servers that are filled and stopped', Number, 10)
  .option('--seconds <n>', 'about how long each takes to drain', Number, 10)
  .option('--outage-seconds <n>', 'how long the store is away in every other one', Number, 4)
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if an estimate is off by more than a fifth');
program.parse();
const options = program.opts<{ drains: number; seconds: number; outageSeconds: number; json?: true; check?: true }>();

interface Asked {
  readonly atMs: number;
  readonly seconds: number | null;
  readonly isAway: boolean;
}

interface Row {
  readonly latencyMs: number;
  readonly hasOutage: boolean;
  readonly drainSeconds: number;
  readonly estimates: number;
  /** Shares of what was left in truth. */
  readonly meanError: number;
  readonly maxError: number;
  /** Of what was left from the return of the store, as told while it was away. */
  readonly outageError: number | null;
}

/** A store that takes so long for each request, and can be away. */
class SlowStore {
  isAway = false;
  readonly #latencyMs: () => number;
  readonly #store: OddStore;

  private constructor(store: OddStore, latencyMs: () => number) {
    this.#store = store;
    this.#latencyMs = latencyMs;
    store.answer = async (_, honest) => {
      store.requests.length = 0;
      await sleep(this.#latencyMs());
      return this.isAway ? 'reset' : honest();
    };
  }

  static async begin(latencyMs: () => number): Promise<SlowStore> {
    return new SlowStore(await startOddStore(), latencyMs);
  }

  get endpoint(): string {
    return this.#store.endpoint;
  }

  stop(): Promise<void> {
    return this.#store.stop();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'blockyard-status-'));
const rows: Row[] = [];
try {
  for (let drain = 0; drain < options.drains; drain++) {
    const share = options.drains === 1 ? 0 : drain / (options.drains - 1);
    rows.push(await measured(drain, Math.round(10 * 40 ** share), drain % 2 === 1));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

if (options.json)
  console.log(
    JSON.stringify(
      rows.map((row) => ({ ...row, durability: 'memory' })),
      undefined,
      2,
    ),
  );
else console.log(tableOf(rows));
const worst = Math.max(...rows.map(({ maxError, outageError }) => Math.max(maxError, outageError ?? 0)));
if (options.check && worst > SHARE_MAX) process.exitCode = 1;

async function measured(drain: number, latencyMs: number, hasOutage: boolean): Promise<Row> {
  const random = randomFrom(drain + 1);
  const store = await SlowStore.begin(() => latencyMs * (0.5 + random()));
  const lines = Math.ceil((options.seconds * 1000 * REQUESTS) / latencyMs);
  // Every second line is written to, a block of it, and half of the lines may be dirty.
  const cacheBytes = Math.ceil(2.5 * lines * LINE) + 16 * 2 ** 20;
  const query = `endpoint=${store.endpoint}&region=auto&path-style=true&concurrency=${REQUESTS}&min-concurrency=${REQUESTS}`;
  const uri = `s3://volumes/drain-${drain}?${query}`;
  const created = start(['create', uri, '--size', `${2 * lines * LINE}`, '--sector', '4K', '--chunk', '64K']);
  const [code] = await once(created, 'close');
  if (code !== 0) throw new Error(`the volume was not created: exit code ${code}`);
  const socket = join(folder, `served-${drain}.sock`);
  const child = start(['serve', uri, '--cache', `${cacheBytes}`, '--nbd', `unix:${socket}`]);
  const [served] = (await once(createInterface(child.stdout), 'line')) as [string];
  const client = await connectNbd(served, { maxOutageMs: 0 });
  const block = new Uint8Array(BLOCK).fill(1);
  for (let line = 0; line < lines; line++) await client.write((2 * line * LINE) / client.info.sectorSize, [block]);
  // A client that ends in peace flushes first.
  await client.disconnect({ force: true });
  const course = await drained(child, store, `${socket}.control`, hasOutage);
  await store.stop();
  return rowOf({ ...course, latencyMs, hasOutage });
}

/** Stops a server, and asks it until it has ended. */
async function drained(child: ChildProcess, store: SlowStore, control: string, hasOutage: boolean) {
  const asked: Asked[] = [];
  let endMs: number | undefined;
  child.once('exit', () => {
    endMs = performance.now();
  });
  const startMs = performance.now();
  const outage = hasOutage ? goAway(store) : Promise.resolve(0);
  child.kill('SIGTERM');
  while (endMs === undefined) {
    const answer = await ask(control).catch(() => undefined);
    if (answer !== undefined) asked.push({ atMs: performance.now(), ...answer });
    await sleep(ASK_EVERY_MS);
  }
  return { asked, startMs, endMs, backMs: await outage };
}

/** Gives when it was back. */
async function goAway(store: SlowStore): Promise<number> {
  await sleep(options.seconds * 400);
  store.isAway = true;
  await sleep(options.outageSeconds * 1000);
  store.isAway = false;
  return performance.now();
}

interface Course {
  readonly asked: readonly Asked[];
  readonly latencyMs: number;
  readonly hasOutage: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly backMs: number;
}

function rowOf({ asked, latencyMs, hasOutage, startMs, endMs, backMs }: Course): Row {
  const outageStartMs = backMs - options.outageSeconds * 1000;
  // It is back when it has answered: until then it is only tried now and then.
  const answeredMs = asked.find(({ isAway, atMs }) => !isAway && atMs >= backMs)?.atMs ?? backMs;
  const errorOf = ({ atMs, seconds }: Asked, fromMs: number) => {
    const leftMs = endMs - fromMs;
    // No one knows how long the requests take that are under way.
    const errorMs = Math.abs((seconds ?? Number.POSITIVE_INFINITY) * 1000 - leftMs) - 1.5 * latencyMs - ASK_EVERY_MS;
    return atMs < startMs + KNOWN_AFTER_MS || leftMs < LEFT_MS_MIN ? 0 : Math.max(0, errorMs) / leftMs;
  };
  const isOut = ({ atMs }: Asked) => hasOutage && atMs > outageStartMs && atMs < answeredMs + KNOWN_AFTER_MS;
  const counted = asked.filter(
    (each) => !isOut(each) && each.atMs >= startMs + KNOWN_AFTER_MS && endMs - each.atMs >= LEFT_MS_MIN,
  );
  const errors = counted.map((each) => {
    const isBefore = hasOutage && each.atMs < outageStartMs;
    // What was told before the outage could not know of it, nor of when its end would be noticed.
    const { atMs, seconds, isAway } = each;
    const outageMs = isBefore ? answeredMs - outageStartMs : 0;
    return errorOf({ atMs, isAway, seconds: seconds === null ? null : seconds + outageMs / 1000 }, atMs);
  });
  const told = asked.filter(({ isAway, atMs }) => isAway && atMs < backMs);
  const last = told.at(-1);
  return {
    latencyMs,
    hasOutage,
    drainSeconds: (endMs - startMs) / 1000,
    estimates: errors.length,
    meanError: errors.reduce((sum, error) => sum + error, 0) / Math.max(1, errors.length),
    maxError: Math.max(0, ...errors),
    outageError: last === undefined ? null : errorOf(last, answeredMs),
  };
}

function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  const { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY } = CREDENTIALS;
  const env = { ...process.env, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const child = spawn(process.execPath, [MAIN, ...args], { env });
  child.stderr.resume();
  return child;
}

async function ask(socketPath: string): Promise<Pick<Asked, 'seconds' | 'isAway'>> {
  const sent = request({ socketPath, path: '/v1/status', agent: false }).end();
  const [response] = await once(sent, 'response');
  const { left, exports } = JSON.parse(await text(response));
  return {
    seconds: left.seconds,
    isAway: exports.some((each: { store: { state: string } }) => each.store.state === 'away'),
  };
}

function tableOf(all: readonly Row[]): string {
  const table = new Table({
    head: ['latency', 'outage', 'drain', 'estimates', 'mean error', 'worst error', 'told in the outage: error'],
    style: { head: [], border: [] },
  });
  const percent = (share: number | null) => (share === null ? '' : `${(100 * share).toFixed(1)} %`);
  for (const { latencyMs, hasOutage, drainSeconds, estimates, meanError, maxError, outageError } of all) {
    const outageText = hasOutage ? `${options.outageSeconds} s` : '';
    table.push([
      `${latencyMs} ms`,
      outageText,
      `${drainSeconds.toFixed(1)} s`,
      estimates,
      percent(meanError),
      percent(maxError),
      percent(outageError),
    ]);
  }
  return table.toString();
}
