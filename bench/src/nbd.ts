/**
 * The NBD server side by side with nbdkit and qemu-nbd, by fio over a Unix socket: our server on the memory backend and on a
 * warm cache over a file, `nbdkit memory`, `qemu-nbd` on a raw file, and `nbdkit null`, which keeps nothing. Each row is
 * measured in rounds, one side after the other, so that what else the machine does hits all alike, after rounds that do not
 * count, in which the JavaScript engine compiles what is used often. A figure is the median of the rounds; a ratio is the
 * median of each round's ratio.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { Command } from 'commander';
import { medianOf, medianRatio } from './rounds.js';

interface Row {
  readonly rw: 'randread' | 'randwrite' | 'read' | 'write';
  readonly blockSize: '4k' | '1M';
  readonly depth: number;
  /** Of the better peer. */
  readonly goal: number;
}

const ROWS: readonly Row[] = [
  { rw: 'randread', blockSize: '4k', depth: 1, goal: 1 },
  { rw: 'randread', blockSize: '4k', depth: 32, goal: 1.25 },
  { rw: 'randwrite', blockSize: '4k', depth: 1, goal: 1 },
  { rw: 'randwrite', blockSize: '4k', depth: 32, goal: 1.25 },
  { rw: 'read', blockSize: '1M', depth: 8, goal: 1.25 },
  { rw: 'write', blockSize: '1M', depth: 8, goal: 1 },
];

interface Side {
  readonly name: string;
  /** Ours are compared with peers; a reference is shown beside them. */
  readonly role: 'ours' | 'peer' | 'reference';
  /** Where its data are. */
  readonly durability: string;
  readonly command: (socket: string, folder: string) => readonly [string, ...string[]];
}

const program = new Command('nbd')
  .description('The NBD server against nbdkit and qemu-nbd, by fio; all three must be installed')
  .option('--rounds <n>', 'rounds that count', Number, 5)
  .option('--warm-up-rounds <n>', 'rounds before them', Number, 2)
  .option('--seconds <n>', 'time of each side in a round', Number, 2)
  .option('--mib <n>', 'size of the volume', Number, 256)
  .option(
    '--busy-poll-us <n>',
    "microseconds that our server looks for the next request; default: the server's own",
    Number,
  )
  .option('--rows <list>', 'numbers of the rows to measure, from 1', (text) => text.split(',').map(Number))
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed: the better peer, 1.25 of it at depth 32 and for reads of 1 MiB');
program.parse();
const options = program.opts<{
  rounds: number;
  warmUpRounds: number;
  seconds: number;
  mib: number;
  busyPollUs?: number;
  rows?: number[];
  json?: true;
  check?: true;
}>();

const ours = (backend: string) => (socket: string, folder: string) => {
  const script = fileURLToPath(new URL('./nbd-serve.js', import.meta.url));
  const poll = options.busyPollUs === undefined ? [] : ['--busy-poll-us', String(options.busyPollUs)];
  const volume = ['--file', join(folder, 'cached'), '--mib', String(options.mib)];
  return [process.execPath, script, '--socket', socket, '--backend', backend, ...volume, ...poll] as const;
};
const SIDES: readonly Side[] = [
  { name: 'ours, memory', role: 'ours', durability: 'memory', command: ours('memory') },
  { name: 'ours, warm cache', role: 'ours', durability: 'memory; flushed: local disk', command: ours('cache') },
  {
    name: 'nbdkit memory',
    role: 'peer',
    durability: 'memory',
    command: (socket) => ['nbdkit', '-f', '-U', socket, 'memory', `${options.mib}M`],
  },
  {
    name: 'qemu-nbd raw',
    role: 'peer',
    durability: 'memory; flushed: local disk',
    command: (socket, folder) => ['qemu-nbd', '-f', 'raw', '-t', '-e', '10', '-k', socket, join(folder, 'raw')],
  },
  {
    name: 'nbdkit null',
    role: 'reference',
    durability: 'none',
    command: (socket) => ['nbdkit', '-f', '-U', socket, 'null', `${options.mib}M`],
  },
];

const folder = await mkdtemp(join(tmpdir(), 'bench-nbd-'));
const running: ChildProcess[] = [];
try {
  await writeFile(join(folder, 'raw'), '');
  await truncate(join(folder, 'raw'), options.mib * 2 ** 20);
  for (const [index, side] of SIDES.entries()) {
    running.push(await start(side, socketOf(index)));
    await fio(socketOf(index), { rw: 'write', blockSize: '1M', depth: 8, goal: 0 }, false);
  }
  report(await measure());
} finally {
  for (const child of running) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
}

interface Measured extends Row {
  /** Operations per second of each side, in the order of the sides: medians. */
  readonly perSecond: readonly number[];
  /** Of the better peer, for each of our sides. */
  readonly ratios: readonly number[];
  /** How much of the time fio itself was at work against each side, in percent: near 100 it is the client that is measured. */
  readonly clientBusyPercent: readonly number[];
}

interface Result {
  readonly perSecond: number;
  readonly busyPercent: number;
}

async function measure(): Promise<Measured[]> {
  const rows = ROWS.filter((_, index) => options.rows?.includes(index + 1) ?? true);
  const measured: Measured[] = [];
  for (const row of rows) {
    const results: Result[][] = SIDES.map(() => []);
    for (let round = -options.warmUpRounds; round < options.rounds; round++) {
      for (const index of SIDES.keys()) {
        const result = await fio(socketOf(index), row, true);
        if (round >= 0) results[index]?.push(result);
      }
    }
    const speeds = results.map((side) => side.map(({ perSecond }) => perSecond));
    const clientBusyPercent = results.map((side) => medianOf(side.map(({ busyPercent }) => busyPercent)));
    measured.push({ ...row, perSecond: speeds.map(medianOf), ratios: ratiosOf(speeds), clientBusyPercent });
  }
  return measured;
}

function ratiosOf(speeds: readonly (readonly number[])[]): number[] {
  const of = (role: Side['role']) => speeds.filter((_, index) => SIDES[index]?.role === role);
  return of('ours').map((ours) => Math.min(...of('peer').map((peer) => medianRatio(ours, peer))));
}

/** One run. Untimed: once over the whole volume. */
async function fio(socket: string, { rw, blockSize, depth }: Row, timed: boolean): Promise<Result> {
  const { stdout } = await promisify(execFile)('fio', [
    '--name=nbd',
    '--ioengine=nbd',
    `--uri=nbd+unix:///?socket=${socket}`,
    `--rw=${rw}`,
    `--bs=${blockSize}`,
    `--iodepth=${depth}`,
    `--size=${options.mib}M`,
    ...(timed ? ['--time_based', `--runtime=${options.seconds}`] : []),
    '--randrepeat=0',
    '--output-format=json',
  ]);
  const { jobs } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { jobs: FioJob[] };
  const [job] = jobs;
  if (job === undefined) throw new Error('fio reported no job');
  const { iops } = rw.endsWith('read') ? job.read : job.write;
  return { perSecond: iops, busyPercent: job.usr_cpu + job.sys_cpu };
}

interface FioJob {
  readonly read: { readonly iops: number };
  readonly write: { readonly iops: number };
  readonly usr_cpu: number;
  readonly sys_cpu: number;
}

async function start(side: Side, socket: string): Promise<ChildProcess> {
  const [command, ...args] = side.command(socket, folder);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  while (!(await Promise.race([answers(socket), failed]))) {
    if (child.exitCode !== null) throw new Error(`${side.name} ended with ${child.exitCode}`);
    await delay(20);
  }
  return child;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('error', () => resolve(false));
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
  });
}

function socketOf(index: number): string {
  return join(folder, `socket-${index}`);
}

function report(rows: readonly Measured[]): void {
  if (options.json) {
    const sides = SIDES.map(({ name, durability }) => ({ name, durability }));
    console.log(JSON.stringify({ sides, rows }, undefined, 2));
  } else {
    const names = SIDES.map(({ name }) => name);
    const table = new Table({ head: ['per second', ...names, 'memory / best', 'cache / best', 'goal'] });
    table.push(['durability class', ...SIDES.map(({ durability }) => durability), '', '', '']);
    for (const row of rows) {
      const figures = row.perSecond.map((perSecond) => Math.round(perSecond).toLocaleString('en'));
      const shares = row.ratios.map((ratio) => ratio.toFixed(2));
      table.push([`${row.rw} ${row.blockSize}, depth ${row.depth}`, ...figures, ...shares, row.goal.toFixed(2)]);
    }
    console.log(table.toString());
  }
  const isMissed = rows.some(({ ratios, goal }) => ratios.some((ratio) => ratio < goal));
  if (options.check && isMissed) process.exitCode = 1;
}
