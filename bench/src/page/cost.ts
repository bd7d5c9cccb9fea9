import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockDevice } from '@blockyard/block';
import { connectNbd } from '@blockyard/nbd';
import type { Figure } from '../figures.js';
import { randomFrom } from '../random.js';
import { medianOf, medianRatio } from '../rounds.js';

const MAIN = join(dirname(createRequire(import.meta.url).resolve('@blockyard/cli/package.json')), 'dist/main.js');
const BLOCK = 4096;
const DEPTH = 16;
const VOLUME_BYTES = 256 * 2 ** 20;
/** Of ten operations. */
const READS = 7;

/** Operations in so many seconds with a viewer, in terms of those without, in turn. */
export async function costFigures(rounds: number, seconds: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'blockyard-page-'));
  const server = spawn(
    process.execPath,
    [
      MAIN,
      ...['serve', `memory:?size=${VOLUME_BYTES}`, '--cache', '64M', '--nbd', `unix:${join(folder, 'page.sock')}`],
      ...['--page', '127.0.0.1:0', '--json', '--quiet'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const { uri, page } = await announced(server);
    const client = await connectNbd(uri);
    const scene = { client, page, pid: server.pid ?? 0, rounds, seconds };
    const figures = [...(await throughput(scene)), ...(await processorTime(scene))];
    await client.disconnect();
    return figures;
  } finally {
    server.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Scene {
  readonly client: BlockDevice;
  readonly page: string;
  /** Of the server. */
  readonly pid: number;
  readonly rounds: number;
  readonly seconds: number;
}

async function throughput({ client, page, rounds, seconds }: Scene): Promise<Figure[]> {
  const [watched, alone]: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    // Each half comes first as often as the other.
    for (const isWatched of round % 2 === 0 ? [true, false] : [false, true]) {
      const viewer = isWatched ? await view(page) : undefined;
      await sleep(SETTLE_MS);
      const operations = await load(client, seconds, round);
      viewer?.destroy();
      // The first round warms up.
      if (round >= 0) (isWatched ? watched : alone).push(operations / seconds);
    }
  }
  return [
    figure('4 KiB operations a second, no viewer', medianOf(alone), '/s'),
    figure('with a viewer', medianOf(watched), '/s'),
    figure('ratio, median of pairs', medianRatio(watched, alone), '', { atLeast: 0.98 }),
  ];
}

/** What a viewer takes of each second of the server, which tells more than throughput where others use the machine, too. */
async function processorTime({ client, page, pid, rounds, seconds }: Scene): Promise<Figure[]> {
  const shareOf = async (isWatched: boolean, round: number) => {
    const viewer = isWatched ? await view(page) : undefined;
    await sleep(SETTLE_MS);
    const [beforeSeconds, startMs] = [await cpuSecondsOf(pid), performance.now()];
    await pacedLoad(client, seconds, round);
    const share = ((await cpuSecondsOf(pid)) - beforeSeconds) / ((performance.now() - startMs) / 1000);
    viewer?.destroy();
    return share;
  };
  const [viewer, none]: [number[], number[]] = [[], []];
  for (let round = -1; round < rounds; round++) {
    const alone = await shareOf(false, round);
    const watched = await shareOf(true, round);
    const again = await shareOf(false, round);
    if (round < 0) continue;
    viewer.push(1000 * (watched - (alone + again) / 2));
    none.push(1000 * (again - alone));
  }
  return [
    figure('processor time in a second, for a viewer', medianOf(viewer), 'ms', { atMost: 20 }),
    figure('the same for none, which is the noise', medianOf(none), 'ms'),
  ];
}

function figure(name: string, value: number, unit: string, goal: Pick<Figure, 'atLeast' | 'atMost'> = {}): Figure {
  return { work: 'cost', name, value, unit, ...goal };
}

/** Of all threads of a process of Linux so far. On a busy machine it tells more than the time that passes. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const times = tasks.map(async (task) => readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0'));
  return (await Promise.all(times)).reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9;
}

async function announced(server: ChildProcess): Promise<{ readonly uri: string; readonly page: string }> {
  if (server.stdout === null) throw new Error('the server has no output');
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  return JSON.parse(line);
}

/** What a viewer who comes is sent at once is not what it costs that one looks. */
const SETTLE_MS = 500;

/** Takes what a browser would be sent. */
async function view(page: string): Promise<ClientRequest> {
  const sent = request(`${page}/feed`, { agent: false }).end();
  sent.on('error', () => {});
  const [response] = await once(sent, 'response');
  response.on('error', () => {});
  response.resume();
  return sent;
}

/** Operations at once, and how often, of a load that leaves the processor time for all that is to be measured. */
const BATCH = 20;
const BATCH_MS = 50;

async function pacedLoad(client: BlockDevice, seconds: number, round: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const operation = operationsOf(client, round);
  while (performance.now() < end) {
    await Promise.all([sleep(BATCH_MS), ...Array.from({ length: BATCH }, operation)]);
  }
}

async function load(client: BlockDevice, seconds: number, round: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  const operation = operationsOf(client, round);
  let operations = 0;
  const work = async () => {
    for (; performance.now() < end; operations++) await operation();
  };
  await Promise.all(Array.from({ length: DEPTH }, work));
  return operations;
}

/** Reads and writes a block at random each time that it is called. */
function operationsOf(client: BlockDevice, round: number): () => Promise<void> {
  const random = randomFrom(round + 2);
  const { sectorSize } = client.info;
  return async () => {
    const start = (Math.floor((random() * VOLUME_BYTES) / BLOCK) * BLOCK) / sectorSize;
    const buffer = new Uint8Array(BLOCK).fill(1);
    await (random() * 10 < READS ? client.read(start, [buffer]) : client.write(start, [buffer]));
  };
}
