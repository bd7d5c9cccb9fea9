/**
 * What a good client feels of bad ones, by our NBD server, nbdkit and qemu-nbd: its longest waits, over a Unix socket, for 4
 * KiB and for 4 MiB, while the others do one bad thing after the other in a process of their own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { Command } from 'commander';
import { BenchClient, READ, WRITE } from './nbd-client.js';

const MIB = 2 ** 20;
const VOLUME_MIB = 256;
const LARGE_BYTES = 4 * MIB;
/** Between two requests of the good client. */
const REST_MS = 5;
const READY_MS_MAX = 20_000;
/** For an attack to be under way. */
const ATTACK_MS_MAX = 8000;
/** What takes so much longer than a measurement is not waited for. */
const WAIT_MS_MAX = 10_000;

const ATTACKS: readonly { readonly name: string; readonly clients: number; readonly what: string }[] = [
  { name: 'none', clients: 0, what: 'no one else' },
  { name: 'slow', clients: 24, what: '24 send half of 32 MiB, then a byte a second' },
  { name: 'deaf', clients: 32, what: '32 ask for 512 MiB each and take nothing' },
  { name: 'hangup', clients: 32, what: '32 ask for 512 MiB each and hang up' },
  { name: 'handshake', clients: 120, what: '120 do not go on after the greeting' },
  { name: 'options', clients: 8, what: '8 floods of options' },
  { name: 'requests', clients: 8, what: '8 floods of reads of 512 bytes' },
  { name: 'statuses', clients: 8, what: '8 floods of block statuses' },
  { name: 'reconnects', clients: 8, what: '8 connect and hang up all the time' },
];

const program = new Command('nbd-hostile')
  .description(
    'What a good client waits while others misbehave: our NBD server, nbdkit and qemu-nbd, which must be installed',
  )
  .option('--seconds <n>', 'length of each measurement', Number, 5)
  .option('--attacks <list>', 'some of them alone', (text) => text.split(','));
program.parse();
const options = program.opts<{ seconds: number; attacks?: string[] }>();

const folder = await mkdtemp(join(tmpdir(), 'bench-nbd-hostile-'));
const socketOf = (name: string) => join(folder, name);
const script = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
const SERVERS: readonly { readonly name: string; readonly command: readonly [string, ...string[]] }[] = [
  {
    name: 'ours',
    command: [
      process.execPath,
      script('nbd-serve'),
      ...['--socket', socketOf('ours'), '--backend', 'memory', '--file', join(folder, 'unused')],
      ...['--mib', String(VOLUME_MIB)],
    ],
  },
  { name: 'nbdkit', command: ['nbdkit', '-f', '-U', socketOf('nbdkit'), 'memory', `${VOLUME_MIB}M`] },
  {
    name: 'qemu-nbd',
    command: ['qemu-nbd', '-f', 'raw', '-t', '-e', '200', '-k', socketOf('qemu-nbd'), join(folder, 'raw')],
  },
];

interface Waits {
  readonly small: number;
  readonly large: number;
}

try {
  await writeFile(join(folder, 'raw'), '');
  await truncate(join(folder, 'raw'), VOLUME_MIB * MIB);
  const head = ['longest wait, ms', ...SERVERS.flatMap(({ name }) => [`${name}, 4 KiB`, `${name}, 4 MiB`])];
  const table = new Table({ head });
  for (const { name, clients, what } of ATTACKS) {
    if (options.attacks?.includes(name) === false) continue;
    const cells: string[] = [];
    for (const server of SERVERS) {
      const { small, large } = await measure(server.name, server.command, name, clients);
      cells.push(small.toFixed(0), large.toFixed(0));
    }
    table.push([what, ...cells]);
  }
  console.log(table.toString());
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** A server of its own for each attack: what one leaves behind does not count against the next. */
async function measure(name: string, command: readonly [string, ...string[]], attack: string, clients: number) {
  const [program, ...args] = command;
  const server = spawn(program, args, { stdio: 'ignore' });
  let attacker: ChildProcess | undefined;
  try {
    await answering(socketOf(name));
    if (clients > 0) attacker = await startAttack(socketOf(name), attack, clients);
    const [small, ...large] = await Promise.all([
      bounded(longestWait(socketOf(name), READ, 4096)),
      bounded(longestWait(socketOf(name), READ, LARGE_BYTES)),
      bounded(longestWait(socketOf(name), WRITE, LARGE_BYTES)),
    ]);
    return { small, large: Math.max(...large) } satisfies Waits;
  } finally {
    if (attacker !== undefined) await kill(attacker);
    await kill(server);
    await rm(socketOf(name), { force: true });
  }
}

async function startAttack(socket: string, attack: string, clients: number): Promise<ChildProcess> {
  const args = [script('nbd-attack'), '--socket', socket, '--attack', attack, '--clients', String(clients)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  // Where a server does not let all of them in, those that are in have to do.
  await Promise.race([once(child.stdout, 'data'), delay(ATTACK_MS_MAX)]);
  return child;
}

function bounded(wait: Promise<number>): Promise<number> {
  const over = delay(options.seconds * 1000 + WAIT_MS_MAX, Number.POSITIVE_INFINITY, { ref: false });
  return Promise.race([wait.catch(() => Number.POSITIVE_INFINITY), over]);
}

/**
 * Milliseconds, from the first byte of a request to the last one of its reply; that of connecting is among them. Infinity where
 * none comes.
 */
async function longestWait(socket: string, command: typeof READ | typeof WRITE, length: number): Promise<number> {
  const payload = command === WRITE ? Buffer.alloc(length, 7) : undefined;
  const end = performance.now() + options.seconds * 1000;
  let longest = 0;
  let began = performance.now();
  const client = await BenchClient.open(socket);
  do {
    await client.request(command, 64 * MIB, length, payload);
    longest = Math.max(longest, performance.now() - began);
    await delay(REST_MS);
    began = performance.now();
  } while (began < end);
  client.socket.destroy();
  return longest;
}

async function answering(socket: string): Promise<void> {
  const end = performance.now() + READY_MS_MAX;
  for (;;) {
    try {
      const client = await BenchClient.open(socket);
      client.socket.destroy();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(50);
    }
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
