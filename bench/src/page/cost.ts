import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientRequest, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
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
    const [watched, alone]: [number[], number[]] = [[], []];
    for (let round = -1; round < rounds; round++) {
      // Each half comes first as often as the other.
      for (const isWatched of round % 2 === 0 ? [true, false] : [false, true]) {
        const viewer = isWatched ? await view(page) : undefined;
        const operations = await load(client, seconds, round);
        viewer?.destroy();
        // The first round warms up.
        if (round >= 0) (isWatched ? watched : alone).push(operations / seconds);
      }
    }
    await client.disconnect();
    return [
      { work: 'cost', name: '4 KiB operations a second, no viewer', value: medianOf(alone), unit: '/s' },
      { work: 'cost', name: 'with a viewer', value: medianOf(watched), unit: '/s' },
      { work: 'cost', name: 'ratio, median of pairs', value: medianRatio(watched, alone), unit: '', atLeast: 0.98 },
    ];
  } finally {
    server.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function announced(server: ChildProcess): Promise<{ readonly uri: string; readonly page: string }> {
  if (server.stdout === null) throw new Error('the server has no output');
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  return JSON.parse(line);
}

/** Takes what a browser would be sent. */
async function view(page: string): Promise<ClientRequest> {
  const sent = request(`${page}/feed`, { agent: false }).end();
  sent.on('error', () => {});
  const [response] = await once(sent, 'response');
  response.on('error', () => {});
  response.resume();
  return sent;
}

async function load(client: BlockDevice, seconds: number, round: number): Promise<number> {
  const random = randomFrom(round + 2);
  const { sectorSize } = client.info;
  const end = performance.now() + seconds * 1000;
  let operations = 0;
  const work = async () => {
    const buffer = new Uint8Array(BLOCK).fill(1);
    while (performance.now() < end) {
      const start = (Math.floor((random() * VOLUME_BYTES) / BLOCK) * BLOCK) / sectorSize;
      await (random() * 10 < READS ? client.read(start, [buffer]) : client.write(start, [buffer]));
      operations++;
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, work));
  return operations;
}
