import { execFileSync, spawn } from 'node:child_process';
import type { BlockDevice } from '@blockyard/block';
import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { connectNbd } from '@blockyard/nbd';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockyard, makeFolder, type Serving, serve } from './testing/cli.js';

/**
 * For each kind of volume: a server with a cache is killed at random moments, again and again, while clients write stamped sectors and flush. After each
 * restart nothing may be missing that was flushed, and no sector may be torn.
 *
 * More rounds: BLOCKYARD_KILL_ROUNDS=50. Another run: BLOCKYARD_KILL_SEED=n. With fio that speaks NBD, it loads the second half of
 * the device meanwhile.
 */
const ROUNDS = Number(process.env.BLOCKYARD_KILL_ROUNDS ?? 2);
const SEED = Number(process.env.BLOCKYARD_KILL_SEED ?? 1);
const ROUND_MS_MAX = 60_000;

const SECTOR_BYTES = 4096;
const SIZE_BYTES = 64 * 2 ** 20;
/** Stamped sectors, from the start of the device; each is written by one writer alone, so that its stamps ascend. */
const SECTORS = 4096;
const WRITERS = 8;
const WRITES_PER_FLUSH_MAX = 12;
/** Answers after which the server is killed, at most: some half a second of work. */
const ANSWERS_MAX = 2000;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: TestStore;

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startTestStore()]);
});
afterAll(async () => {
  await store.stop();
  await folder.remove();
});

const inBucket = (name: string) => {
  const { bucket, region, endpoint } = store.volume();
  return `s3://${bucket}/${name}?region=${region}&path-style=true&endpoint=${encodeURIComponent(endpoint)}`;
};

/** Small chunks: what is written at random moves whole ones. */
test.each<[string, () => string, string]>([
  ['a file', () => `file:${folder.in('disk.img')}?sector=${SECTOR_BYTES}`, ''],
  ['chunks in S3', () => inBucket('chunks'), '&layout=chunks&chunk=65536'],
  ['a log in S3', () => inBucket('log'), '&layout=log'],
  ['a log in a directory', () => `dir:${folder.in('volumes')}/log`, ''],
])(
  `kill -9 of the server of %s loses nothing that was flushed (${ROUNDS} rounds, seed ${SEED})`,
  async (_name, uriOf, whenCreated) => {
    const uri = uriOf();
    const made = await blockyard(['create', `${uri}${whenCreated}`, '--size', String(SIZE_BYTES)], {
      env: credentials(),
    });
    expect(made.code, made.stderr).toBe(0);
    const victim = new Victim(uri);
    let flushes = 0;
    let unflushed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      flushes += await victim.workUntilKilled();
      unflushed += await victim.verify(`round ${round} of seed ${SEED}`);
    }
    // Otherwise the test would prove nothing.
    expect(flushes).toBeGreaterThan(ROUNDS);
    expect(unflushed).toBeGreaterThan(0);
  },
  ROUNDS * ROUND_MS_MAX,
);

function credentials(): Record<string, string> {
  const { accessKeyId, secretAccessKey } = store.volume().credentials;
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** A volume whose server is killed again and again, and what is known of it. */
class Victim {
  readonly #uri: string;
  readonly #random = xoroshiro128plus(SEED);
  /** The latest stamp of each sector; never used twice, so that a write that was lost is not taken for a later one. */
  readonly #issued = new Float64Array(SECTORS);
  /** The stamps that were written last, and flushed last. */
  readonly #written = new Float64Array(SECTORS);
  readonly #flushed = new Float64Array(SECTORS);

  constructor(uri: string) {
    this.#uri = uri;
  }

  #serve(): Promise<Serving> {
    return serve([this.#uri, '--nbd', `unix:${folder.in('nbd.sock')}`, '--cache', '8M'], { env: credentials() });
  }

  /** Gives the number of flushes that were answered. */
  async workUntilKilled(): Promise<number> {
    const { line, child, ended } = await this.#serve();
    const device = await connectNbd(line, { maxOutageMs: 0 });
    const load = loadByFio(line);
    let answersLeft = uniformInt(this.#random, 1, ANSWERS_MAX);
    const onAnswer = () => {
      if (--answersLeft === 0) child.kill('SIGKILL');
    };
    const workers = Array.from({ length: WRITERS }, (_, writer) => this.#write(device, writer, onAnswer));
    const flushes = await Promise.all(workers);
    expect(await ended).toBeNull();
    await device.disconnect({ force: true });
    await load;
    return flushes.reduce((sum, count) => sum + count, 0);
  }

  /** Writes to its own sectors, and flushes now and then, until the server is gone. */
  async #write(device: BlockDevice, writer: number, onAnswer: () => void): Promise<number> {
    let flushes = 0;
    try {
      for (;;) {
        for (let left = uniformInt(this.#random, 1, WRITES_PER_FLUSH_MAX); left > 0; left--) {
          const sector = uniformInt(this.#random, 0, SECTORS / WRITERS - 1) * WRITERS + writer;
          const stamp = (this.#issued[sector] ?? 0) + 1;
          this.#issued[sector] = stamp;
          // Before it is answered: a write that failed may have been done.
          this.#written[sector] = stamp;
          await device.write(sector, [stamped(sector, stamp)]);
          onAnswer();
        }
        const accepted = this.#own(writer);
        await device.flush();
        flushes++;
        for (const [sector, stamp] of accepted) this.#flushed[sector] = stamp;
        onAnswer();
      }
    } catch {
      return flushes;
    }
  }

  /** What a writer has done so far: nothing of its own is under way when it flushes. */
  #own(writer: number): [number, number][] {
    const own: [number, number][] = [];
    for (let sector = writer; sector < SECTORS; sector += WRITERS) own.push([sector, this.#written[sector] ?? 0]);
    return own;
  }

  /** Gives the number of sectors whose last write was lost, which is right where it was not flushed. */
  async verify(where: string): Promise<number> {
    const { line, child, ended } = await this.#serve();
    const device = await connectNbd(line);
    const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
    await device.read(0, [bytes]);
    await device.disconnect();
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    let lost = 0;
    for (let sector = 0; sector < SECTORS; sector++) {
      const stamp = stampOf(bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES), sector);
      const least = this.#flushed[sector] ?? 0;
      const most = this.#written[sector] ?? 0;
      if (stamp === undefined) throw new Error(`${where}: sector ${sector} is torn`);
      if (stamp < least || stamp > most) {
        throw new Error(`${where}: sector ${sector} has stamp ${stamp}, but ${least} was flushed, and ${most} written`);
      }
      if (stamp < most) lost++;
      // From here on it is all that there is.
      this.#written[sector] = stamp;
      this.#flushed[sector] = stamp;
    }
    return lost;
  }
}

/** A sector that tells everywhere which it is, and which write made it. */
function stamped(sector: number, stamp: number): Uint8Array {
  const words = new Float64Array(SECTOR_BYTES / 8);
  for (let i = 0; i < words.length; i += 2) {
    words[i] = sector;
    words[i + 1] = stamp;
  }
  return new Uint8Array(words.buffer);
}

/** The stamp of a sector; 0 if it was never written; undefined if it is not of one write. */
function stampOf(bytes: Uint8Array, sector: number): number | undefined {
  const words = new Float64Array(bytes.slice().buffer);
  const stamp = words[1] ?? 0;
  const expected = stamp === 0 ? 0 : sector;
  for (let i = 0; i < words.length; i += 2) {
    if (words[i] !== expected || words[i + 1] !== stamp) return undefined;
  }
  return stamp;
}

/** Random writes and flushes on the second half, until the server is gone. Without fio, or one that cannot speak NBD, nothing. */
async function loadByFio(uri: string): Promise<void> {
  if (!hasFio()) return;
  const place = [`--offset=${SIZE_BYTES / 2}`, `--size=${SIZE_BYTES / 2}`];
  const load = ['--rw=randwrite', '--bs=4k', '--iodepth=8', '--fsync=16', '--time_based', '--runtime=60'];
  const args = ['--name=load', '--ioengine=nbd', `--uri=${uri}`, ...place, ...load];
  const fio = spawn('fio', args, { cwd: folder.path, stdio: 'ignore' });
  await new Promise((resolve) => fio.once('close', resolve));
}

function hasFio(): boolean {
  try {
    return /\bnbd\b/.test(execFileSync('fio', ['--enghelp'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}
