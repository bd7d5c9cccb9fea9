import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe } from 'vitest';

/** The Debian package of each program that the tests from outside use. */
const PACKAGES = {
  nbdinfo: 'libnbd-bin',
  nbdcopy: 'libnbd-bin',
  nbdsh: 'python3-libnbd',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
  nbdkit: 'nbdkit',
  fio: 'fio',
  mke2fs: 'e2fsprogs',
  e2fsck: 'e2fsprogs',
} as const;

export type Tool = keyof typeof PACKAGES;

/** Folders that are not on everybody's PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

function find(tool: Tool): string | undefined {
  return FOLDERS.map((folder) => join(folder, tool)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * A `describe` that needs programs from outside. Without them its tests are skipped, saying which package is missing; with
 * `BLOCKYARD_REQUIRE_TOOLS=1` they run, and fail.
 */
export function describeWith(tools: readonly Tool[], title: string, body: () => void): void {
  const missing = tools.filter((tool) => find(tool) === undefined);
  if (missing.length === 0 || process.env.BLOCKYARD_REQUIRE_TOOLS === '1') {
    describe(title, body);
    return;
  }
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))];
  describe.skip(`${title} (needs ${missing.join(', ')}: apt-get install ${packages.join(' ')})`, body);
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects, with all it said, if it fails. */
export function run(tool: Tool, ...args: readonly string[]): Promise<Ran> {
  // nbdsh starts the first python there is, and only the system's has the library.
  const env = { ...process.env, LC_ALL: 'C', PATH: ['/usr/bin', process.env.PATH].join(delimiter) };
  // fio leaves a file behind where it runs.
  const options = { cwd: tmpdir(), maxBuffer: 64 * 1024 * 1024, env };
  return new Promise((resolve, reject) => {
    execFile(find(tool) ?? tool, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new Error(`${tool} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`));
    });
  });
}

export interface Running {
  stop(): Promise<void>;
}

/** Starts a server and waits until someone answers on its socket. */
export async function startServer(tool: Tool, socket: string, ...args: readonly string[]): Promise<Running> {
  const child: ChildProcess = spawn(find(tool) ?? tool, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  while (!(await answers(socket))) {
    if (child.exitCode !== null) throw new Error(`${tool} ended with ${child.exitCode} before it listened`);
    await delay(2);
  }
  return {
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
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
