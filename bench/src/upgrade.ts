/**
 * A server that is upgraded again and again, while fio writes at random, reads back and verifies: errors, and how long clients
 * waited. Some of the new processes kill themselves before they are ready, before they have opened the device, or before they
 * have the clients; then the old one goes on.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNbd } from '@blockyard/nbd';
import { createUri } from '@blockyard/uri';
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { medianOf } from './rounds.js';
import { type LoadOptions, type LoadReport, Probe, VerifiedLoad } from './upgrade/load.js';
import { LAST_WORDS, UpgradedServer } from './upgrade/server.js';

const LONGEST_MS_GOAL = 100;
/** Between two upgrades, so that fio works in between. */
const REST_MS = 200;

const DURABILITY = {
  file: 'written: memory; flushed: local disk',
  log: 'written: memory; flushed: local disk (the store is a directory)',
  tier: 'written: memory; flushed: local disk (the tier)',
} as const;

const program = new Command('upgrade')
  .description('Upgrades of a server under load: errors, and how long clients waited; fio must be installed')
  .option('--upgrades <n>', 'new processes that are started', Number, 100)
  .option('--killed-every <n>', 'each nth of them dies half way; 0: none', Number, 5)
  .option('--depth <n>', 'requests of fio in flight', Number, 32)
  .option('--mib <n>', 'size of the volume', Number, 64)
  .option('--calm-seconds <n>', 'time of the same load without an upgrade, before', Number, 15)
  .addOption(
    new Option('--device <kind>', 'a file; a log volume in a directory; the same with flushes on a tier')
      .choices(['file', 'log', 'tier'])
      .default('file'),
  )
  .option('--folder <dir>', 'where the volume is', tmpdir())
  .option('--json', 'print JSON')
  .option('--check', `exit with 1 if there are errors, or a client waited for more than ${LONGEST_MS_GOAL} ms`);
program.parse();
const options = program.opts<{
  upgrades: number;
  killedEvery: number;
  depth: number;
  mib: number;
  calmSeconds: number;
  device: 'file' | 'log' | 'tier';
  folder: string;
  json?: true;
  check?: true;
}>();

interface Stalls {
  readonly times: number;
  /** As a client saw them, and as the server tells: null where the new process died. */
  readonly medianMs: number;
  readonly longestMs: number;
  readonly pausedMedianMs: number | null;
  readonly pausedLongestMs: number | null;
}

interface Stall {
  readonly waitedMs: number;
  readonly pausedMs: number | undefined;
}

const folder = await mkdtemp(join(options.folder, 'blockyard-upgrade-'));
try {
  const report = await measure();
  if (options.json) console.log(JSON.stringify(report, undefined, 2));
  else print(report);
  const { errors, completed, killed } = report;
  const longestMs = Math.max(completed?.longestMs ?? 0, killed?.longestMs ?? 0);
  if (options.check && (errors > 0 || longestMs > LONGEST_MS_GOAL)) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure() {
  const sizeBytes = options.mib * 2 ** 20;
  const uri =
    options.device === 'file' ? `file:${join(folder, 'disk')}?sector=4096` : `dir:${join(folder, 'store/disk')}`;
  await createUri(uri, { sizeBytes });
  const tier = ['--tier', join(folder, 'tier'), '--tier-size', '1G', '--durability', 'local'];
  const server = await UpgradedServer.start([
    uri,
    '--cache',
    '32M',
    '--nbd',
    `unix:${join(folder, 'nbd.sock')}`,
    ...(options.device === 'tier' ? tier : []),
  ]);
  try {
    // The last block is the probe's.
    const work = { depth: options.depth, sizeBytes: sizeBytes - 2 ** 20 };
    const calm = await calmLoad(server, work);
    const probe = new Probe(await connectNbd(server.uri, { maxOutageMs: 0 }));
    const load = new VerifiedLoad(server.uri, work);
    const stalls: Stall[] = [];
    for (let i = 1; i <= options.upgrades; i++) {
      await Promise.race([new Promise((resolve) => setTimeout(resolve, REST_MS)), load.failed]);
      const isKilled = options.killedEvery > 0 && i % options.killedEvery === 0;
      const word = isKilled ? LAST_WORDS[(i / options.killedEvery) % LAST_WORDS.length] : undefined;
      probe.takeLongestMs();
      const { pausedMs } = await server.upgrade(word);
      stalls.push({ pausedMs, waitedMs: probe.takeLongestMs() });
    }
    const { errors, operations, longestMs } = await load.stop();
    await probe.stop();
    await server.stop();
    return {
      device: options.device,
      durability: DURABILITY[options.device],
      depth: options.depth,
      errors,
      operations,
      fioLongestMs: longestMs,
      calmFioLongestMs: calm?.longestMs ?? null,
      completed: summaryOf(stalls.filter(({ pausedMs }) => pausedMs !== undefined)),
      killed: summaryOf(stalls.filter(({ pausedMs }) => pausedMs === undefined)),
    };
  } finally {
    server.kill();
  }
}

/** What fio waits for where nothing is upgraded: for the base, say, where it writes faster than that. */
async function calmLoad(server: UpgradedServer, work: LoadOptions): Promise<LoadReport | undefined> {
  if (options.calmSeconds === 0) return undefined;
  const load = new VerifiedLoad(server.uri, work);
  await Promise.race([new Promise((resolve) => setTimeout(resolve, options.calmSeconds * 1000)), load.failed]);
  return load.stop();
}

function summaryOf(stalls: readonly Stall[]): Stalls | null {
  if (stalls.length === 0) return null;
  const waitedMs = stalls.map((stall) => stall.waitedMs);
  const pausedMs = stalls.flatMap((stall) => stall.pausedMs ?? []);
  return {
    times: stalls.length,
    medianMs: medianOf(waitedMs),
    longestMs: Math.max(...waitedMs),
    pausedMedianMs: pausedMs.length === 0 ? null : medianOf(pausedMs),
    pausedLongestMs: pausedMs.length === 0 ? null : Math.max(...pausedMs),
  };
}

function print(report: Awaited<ReturnType<typeof measure>>): void {
  const ms = (value: number | null | undefined) => (value == null ? '' : `${value.toFixed(0)} ms`);
  const table = new Table({ head: ['', 'times', 'client waited: median', 'longest', 'paused: median', 'longest'] });
  for (const [name, stalls] of [
    ['upgraded', report.completed],
    ['new process died', report.killed],
  ] as const) {
    if (stalls === null) continue;
    const { times, medianMs, longestMs, pausedMedianMs, pausedLongestMs } = stalls;
    table.push([name, times, ms(medianMs), ms(longestMs), ms(pausedMedianMs), ms(pausedLongestMs)]);
  }
  const { device, durability, depth, errors, operations, fioLongestMs, calmFioLongestMs } = report;
  console.log(`${device} (${durability}), fio at depth ${depth}: ${operations} operations, ${errors} errors`);
  console.log(table.toString());
  console.log(`longest request of fio: ${ms(fioLongestMs)}`);
  if (calmFioLongestMs !== null) console.log(`without an upgrade, before: ${ms(calmFioLongestMs)}`);
}
