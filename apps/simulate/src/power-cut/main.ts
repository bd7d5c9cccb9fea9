/**
 * Cuts the power of a disk under ext4 while a process writes and flushes to a volume on it, again and again, and looks whether
 * anything is missing that was flushed: `npm run power-cut`. See `--help`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isBlockError } from '@blockyard/block';
import { Random } from '@blockyard/conformance/simulator';
import { openDirectoryStore } from '@blockyard/object-store/directory';
import { createUri } from '@blockyard/uri';
import { Command } from 'commander';
import { Account } from '../killed/account.js';
import { createLog, problemsAt } from '../killed/log-places.js';
import { contentsOf, type VolumePlace } from '../killed/place.js';
import { Machine } from './machine.js';

const VICTIM = fileURLToPath(new URL('../../dist/killed/victim.js', import.meta.url));
const SHAPE = { sizeSectors: 1024, sectorSize: 4096 };
const DISK_BYTES = 256 * 2 ** 20;
/** Of a file, only what the disk has for a sector is whole after a power cut. */
const FILE_SHAPE = { sizeSectors: 1024, sectorSize: 512 };
/** Lines of the victim after which the power fails, at most. */
const LINES_MAX = 2000;

interface Case {
  readonly name: string;
  /** Makes the volume: in a folder that loses what the disk does, or in one that keeps all. */
  readonly make: (volatile: string, kept: string) => Promise<VolumePlace>;
  /** Whether what is left must be the result of a prefix of the accepted changes [D5]. */
  readonly isPrefix: boolean;
  /**
   * Whether the process may have found that its medium was gone, and have gone on without it. Nothing is lost then, but that the
   * medium was left has to be accepted.
   */
  readonly mayLeaveMedium?: boolean;
}

const CASES: readonly Case[] = [
  { name: 'a file', make: makeFile, isPrefix: false },
  { name: 'a log in a directory', make: (volatile) => makeLog(volatile), isPrefix: true },
  {
    name: 'a write log, with the log below it on the same disk',
    make: async (volatile) => ({ ...(await makeLog(volatile)), tier: join(volatile, 'tier') }),
    isPrefix: true,
  },
  {
    name: 'a write log, with the log below it elsewhere',
    make: async (volatile, kept) => ({ ...(await makeLog(kept)), tier: join(volatile, 'tier') }),
    isPrefix: true,
    mayLeaveMedium: true,
  },
];

const program = new Command('npm run power-cut --')
  .description(
    'Cuts the power of a disk under ext4 while volumes on it are written. Linux, root and libnbd-bin are needed.',
  )
  .option('--rounds <n>', 'power cuts of each volume', Number, 20)
  .option('--seed <n>', 'when the power fails, and what the disk loses', Number, 1)
  .option('--lies', 'the disk says that it has flushed, and has not: something has to be found')
  .parse();
const { rounds, seed, lies = false } = program.opts<{ rounds: number; seed: number; lies?: true }>();

let failures = 0;
for (const each of CASES) {
  const found = await cutAgainAndAgain(each);
  if (found.violation !== undefined) failures++;
  process.stdout.write(
    `${each.name}: ${found.rounds} power cuts, ${found.flushes} flushes, ${found.undecided} sectors undecided: ` +
      `${found.violation ?? 'nothing is missing'}\n`,
  );
}
process.exitCode = failures > 0 ? 1 : 0;

async function makeFile(volatile: string): Promise<VolumePlace> {
  const uri = `file:${join(volatile, 'disk.img')}?sector=${FILE_SHAPE.sectorSize}`;
  await createUri(uri, { sizeBytes: FILE_SHAPE.sizeSectors * FILE_SHAPE.sectorSize });
  return { uri };
}

async function makeLog(folder: string) {
  const directory = join(folder, 'store');
  (await openDirectoryStore({ path: directory, create: true })).close();
  return createLog({ directory }, 'disk', SHAPE);
}

interface Found {
  rounds: number;
  flushes: number;
  undecided: number;
  violation: string | undefined;
}

async function cutAgainAndAgain(each: Case): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), 'blockyard-power-cut-'));
  const random = new Random(seed);
  const account = new Account(SHAPE.sizeSectors);
  const found: Found = { rounds: 0, flushes: 0, undecided: 0, violation: undefined };
  const machine = await Machine.start(folder, { sizeBytes: DISK_BYTES, seed, lies });
  try {
    const kept = join(folder, 'kept');
    await mkdir(kept);
    const place = await each.make(machine.folder, kept);
    while (found.rounds < rounds && found.violation === undefined) {
      const lines = random.between(1, LINES_MAX);
      await workUntilCut(place, machine, lines, account, found.rounds++);
      found.flushes = account.flushes;
      found.undecided += account.undecided();
      found.violation = await look(place, machine, account, each);
    }
  } finally {
    await machine.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return found;
}

/** What is missing, or cannot be used, once there is power again. */
async function look(place: VolumePlace, machine: Machine, account: Account, { isPrefix, mayLeaveMedium }: Case) {
  try {
    await machine.turnOn();
    const problems = await problemsAt(place);
    if (problems.length > 0) return problems.join('; ');
    const found = await contentsOf(place).catch((error: unknown) => {
      if (mayLeaveMedium === true && isBlockError(error, 'TIER_MISSING')) return contentsOf(place, true);
      throw error;
    });
    const violation = account.violation(found, isPrefix);
    if (violation === undefined) account.goOnFrom(found.map((writer) => (typeof writer === 'number' ? writer : 0)));
    return violation;
  } catch (error) {
    return String(error).split('\n', 1)[0];
  }
}

/** Runs a victim until it has told so many lines; then the power fails, and with it the process. */
async function workUntilCut(place: VolumePlace, machine: Machine, lines: number, account: Account, round: number) {
  const args = [JSON.stringify(place), '0', account.nextStamp, seed * 1000 + round].map(String);
  const child = spawn(process.execPath, [VICTIM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  let left = lines;
  let cut: Promise<void> | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    account.enter(line);
    if (--left === 0) cut = machine.cut().finally(() => child.kill('SIGKILL'));
  }
  await exited;
  if (cut === undefined) throw new Error(`the victim ended early: ${errors.join('')}`);
  await cut;
}
