import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TORN, writersOf } from '@blockyard/conformance/testing';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { connectUri, createUri } from '@blockyard/uri';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

/**
 * Real crashes: a process that writes and flushes is killed at random moments, over and over on one volume. Each time the
 * volume is opened again, nothing may be missing that was flushed, and no sector may be torn [D1, D4].
 *
 * More rounds: BLOCKYARD_KILL_ROUNDS=50. Another run: BLOCKYARD_KILL_SEED=n.
 */
const ROUNDS = Number(process.env.BLOCKYARD_KILL_ROUNDS ?? 3);
const SEED = Number(process.env.BLOCKYARD_KILL_SEED ?? 1);
const ROUND_MS_MAX = 60_000;

const VICTIM = fileURLToPath(new URL('../../dist/killed/victim.js', import.meta.url));
const SECTORS = 1024;
const SECTOR_BYTES = 4096;
/** Far less than the volume, so that write-back never rests. */
const CACHE_BYTES = 2 * 2 ** 20;
/** Stamps that one life may use: those of a later life are above. */
const STAMPS_PER_LIFE = 1_000_000;
/** Flushes after which the process is killed, at most. */
const FLUSHES_MAX = 60;

let folder: string;
let store: LocalS3;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-killed-'));
  store = await startLocalS3();
  vi.stubEnv('AWS_ACCESS_KEY_ID', store.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', store.credentials.secretAccessKey);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await store.stop();
  await rm(folder, { recursive: true, force: true });
});

const fileUri = (name: string) => `file:${join(folder, name)}?sector=${SECTOR_BYTES}`;
const s3Uri = (name: string) =>
  `s3://${store.bucket}/${name}?region=${store.region}&path-style=true&endpoint=${encodeURIComponent(store.endpoint)}`;

test.each([
  ['the file backend', () => fileUri('raw.img'), 0],
  ['a cache over the file backend', () => fileUri('cached.img'), CACHE_BYTES],
  ['the S3 backend', () => s3Uri('raw'), 0],
  ['a cache over the S3 backend', () => s3Uri('cached'), CACHE_BYTES],
])(
  `kill -9 of %s loses nothing that was flushed (${ROUNDS} rounds, seed ${SEED})`,
  async (_name, uriOf, cacheBytes) => {
    const uri = uriOf();
    const random = xoroshiro128plus(SEED);
    // Small objects, so that most writes cover one in part.
    const shape = uri.startsWith('s3:') ? `${uri}&sector=${SECTOR_BYTES}&chunk=32K` : uri;
    await createUri(shape, { sizeBytes: SECTORS * SECTOR_BYTES });
    const flushed = new Float64Array(SECTORS);
    let later = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const firstStamp = 1 + round * STAMPS_PER_LIFE;
      const args = [uri, String(cacheBytes), String(firstStamp), String(SEED * 1000 + round)];
      await workUntilKilled(args, uniformInt(random, 1, FLUSHES_MAX), flushed);
      later += await verify(uri, flushed, `round ${round} of seed ${SEED}`);
    }
    // Otherwise nothing was on its way when the process was killed, and little was tried.
    expect(flushed.filter((stamp) => stamp > 0).length).toBeGreaterThan(0);
    if (cacheBytes === 0) expect(later).toBeGreaterThan(0);
  },
  ROUNDS * ROUND_MS_MAX,
);

/** Runs a victim until it has told of so many flushes, and enters what it flushed. */
async function workUntilKilled(args: readonly string[], flushes: number, flushed: Float64Array): Promise<void> {
  const child = spawn(process.execPath, [VICTIM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  let left = flushes;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') continue;
    for (const pair of line.split(' ')) {
      const [sector = 0, stamp = 0] = pair.split(':').map(Number);
      flushed[sector] = Math.max(flushed[sector] ?? 0, stamp);
    }
    if (--left === 0) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode, errors.join('')).toBe('SIGKILL');
}

/** Opens the volume and looks at every sector. Gives the number of those that hold a write later than the last flushed one. */
async function verify(uri: string, flushed: Float64Array, where: string): Promise<number> {
  const device = await connectUri(uri);
  const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
  await device.read(0, [bytes]);
  let later = 0;
  for (const [sector, stamp] of writersOf(bytes, 0, SECTOR_BYTES).entries()) {
    const least = flushed[sector] ?? 0;
    if (stamp === TORN) throw new Error(`${where}: sector ${sector} is torn`);
    if (stamp < least) throw new Error(`${where}: sector ${sector} has stamp ${stamp}, but ${least} was flushed`);
    if (stamp > least) later++;
    // What was read is what there is from here on.
    flushed[sector] = stamp;
  }
  await device.flush();
  await device.disconnect();
  return later;
}
