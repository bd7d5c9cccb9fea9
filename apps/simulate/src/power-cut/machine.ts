import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const DISK = fileURLToPath(new URL('../../dist/power-cut/volatile-disk.js', import.meta.url));
const ATTEMPTS_MAX = 100;
const PAUSE_MS = 50;

const run = promisify(execFile);

export interface DiskOptions {
  readonly sizeBytes: number;
  readonly seed: number;
  /** Whether flushes are answered and not done. */
  readonly lies: boolean;
}

/** How the disk is in use, from the socket up. */
interface Mounted {
  readonly fuse: ChildProcess;
  readonly loop: string;
}

/**
 * A file system on a disk that loses power. The disk is an NBD export of a process of its own; `nbdfuse` makes a file of it, a loop
 * device makes a disk of that, and ext4 is on top. Flushes get through all of them. Root, and `libnbd-bin`, are needed.
 */
export class Machine {
  /** Where the file system is. */
  readonly folder: string;
  readonly #disk: ChildProcess;
  readonly #file: string;
  #mounted: Mounted | undefined;
  #socket: string;

  private constructor(base: string, disk: ChildProcess, socket: string) {
    this.#disk = disk;
    this.#socket = socket;
    this.#file = join(base, 'disk');
    this.folder = join(base, 'mounted');
  }

  /** With a new file system, mounted. What it needs is put in the folder `base`. */
  static async start(base: string, { sizeBytes, seed, lies }: DiskOptions): Promise<Machine> {
    const disk = fork(DISK, [base, String(sizeBytes), String(seed), lies ? 'lies' : '']);
    const machine = new Machine(base, disk, await socketOf(disk));
    await mkdir(machine.folder);
    await writeFile(machine.#file, '');
    await machine.#plugIn(async (loop) => {
      await run('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', loop]);
    });
    return machine;
  }

  /** The power fails. Whatever uses the file system has to end before it is turned on again. */
  async cut(): Promise<void> {
    this.#disk.send('cut');
    this.#socket = await socketOf(this.#disk);
  }

  /** What is left of the disk is mounted again. */
  async turnOn(): Promise<void> {
    await this.#unplug();
    await this.#plugIn();
  }

  async stop(): Promise<void> {
    await this.#unplug();
    this.#disk.kill('SIGKILL');
  }

  async #plugIn(format: (loop: string) => Promise<void> = async () => {}): Promise<void> {
    const fuse = spawn('nbdfuse', [this.#file, '--unix', this.#socket], { stdio: 'ignore' });
    await until(async () => (await run('findmnt', ['--mountpoint', this.#file])).stdout !== '');
    const { stdout } = await run('losetup', ['--find', '--show', '--direct-io=on', this.#file]);
    const loop = stdout.trim();
    this.#mounted = { fuse, loop };
    await format(loop);
    await run('mount', ['-t', 'ext4', loop, this.folder]);
  }

  async #unplug(): Promise<void> {
    if (this.#mounted === undefined) return;
    const { fuse, loop } = this.#mounted;
    this.#mounted = undefined;
    // Nothing is mounted where the mount has failed.
    const isMounted = await run('findmnt', ['--mountpoint', this.folder]).then(
      () => true,
      () => false,
    );
    if (isMounted) await until(() => run('umount', [this.folder]));
    await run('losetup', ['--detach', loop]);
    await until(() => run('umount', [this.#file]));
    if (fuse.exitCode === null && fuse.signalCode === null) await once(fuse, 'exit');
  }
}

async function socketOf(disk: ChildProcess): Promise<string> {
  const [message] = await once(disk, 'message');
  return (message as { readonly socket: string }).socket;
}

/** Until it succeeds: what was killed lets go of its files a little later. */
async function until(attempt: () => Promise<unknown>): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      if ((await attempt()) !== false) return;
    } catch (error) {
      if (attempts === ATTEMPTS_MAX) throw error;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
