import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { BlockDevice } from '@blockyard/block';

/** Blocks after which fio reads back what it wrote, while it writes. */
const BACKLOG_BLOCKS = 256;
const RUNTIME_MAX_S = 24 * 3600;

export interface LoadOptions {
  /** Requests in flight. */
  readonly depth: number;
  readonly sizeBytes: number;
}

/** What fio found. */
export interface LoadReport {
  /** 1: a request failed, or a block was not what was written, at which fio ends. */
  readonly errors: number;
  readonly operations: number;
  /** Of any request, in milliseconds. */
  readonly longestMs: number;
}

interface Direction {
  readonly total_ios: number;
  readonly clat_ns: { readonly max: number };
}

interface Job {
  readonly error: number;
  readonly read: Direction;
  readonly write: Direction;
}

/** fio that writes at random, reads back and verifies, until it is told to stop. */
export class VerifiedLoad {
  readonly #child;
  readonly #report: Promise<LoadReport>;

  constructor(uri: string, { depth, sizeBytes }: LoadOptions) {
    const work = ['--rw=randwrite', '--bs=4k', `--iodepth=${depth}`, `--size=${sizeBytes}`, '--serialize_overlap=1'];
    const verify = [
      '--verify=crc32c',
      `--verify_backlog=${BACKLOG_BLOCKS}`,
      '--verify_fatal=1',
      '--verify_state_save=0',
    ];
    const length = ['--time_based', `--runtime=${RUNTIME_MAX_S}`, '--output-format=json'];
    this.#child = spawn('fio', ['--name=upgrade', '--ioengine=nbd', `--uri=${uri}`, ...work, ...verify, ...length], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#report = this.#read();
    this.#report.catch(() => {});
  }

  /** Rejects if fio ended before. */
  get failed(): Promise<never> {
    return this.#report.then(({ errors }) => Promise.reject(new Error(`fio ended with ${errors} errors`)));
  }

  async stop(): Promise<LoadReport> {
    this.#child.kill('SIGINT');
    return this.#report;
  }

  async #read(): Promise<LoadReport> {
    const [stdout, stderr] = await Promise.all([
      text(this.#child.stdout),
      text(this.#child.stderr),
      once(this.#child, 'close'),
    ]);
    const json = stdout.slice(stdout.indexOf('{'), stdout.lastIndexOf('}') + 1);
    if (json === '') throw new Error(`fio failed: ${stderr}`);
    const [job] = (JSON.parse(json) as { readonly jobs: readonly Job[] }).jobs;
    if (job === undefined) throw new Error(`fio had no job: ${stderr}`);
    const longestNs = Math.max(job.read.clat_ns.max, job.write.clat_ns.max);
    return {
      errors: job.error === 0 ? 0 : 1,
      operations: job.read.total_ios + job.write.total_ios,
      longestMs: longestNs / 1e6,
    };
  }
}

/** A client that reads one block after the other, and knows how long it waited at most. */
export class Probe {
  readonly #device: BlockDevice;
  readonly #done: Promise<void>;
  #isOver = false;
  #longestMs = 0;

  constructor(device: BlockDevice) {
    this.#device = device;
    this.#done = this.#run();
    this.#done.catch(() => {});
  }

  /** The longest wait since this was asked for last, in milliseconds. */
  takeLongestMs(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
    await this.#device.disconnect();
  }

  async #run(): Promise<void> {
    const { sectorSize, sizeSectors } = this.#device.info;
    const bytes = new Uint8Array(sectorSize);
    while (!this.#isOver) {
      const beginMs = performance.now();
      await this.#device.read(sizeSectors - 1, [bytes]);
      this.#longestMs = Math.max(this.#longestMs, performance.now() - beginMs);
      // It is no load of its own.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
