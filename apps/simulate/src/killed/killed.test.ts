import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Account } from './account.js';
import { problemsAt } from './log-places.js';
import { contentsOf, type VolumePlace } from './place.js';
import { Places } from './places.js';

/**
 * Real crashes: a process that writes and flushes is killed at random moments, over and over on one volume. Each time the
 * volume is opened again, nothing may be missing that was flushed, and no sector may be torn [D1, D4]. A log without a cache is
 * the result of a prefix of the accepted changes [D5], and whole: `checkLogVolume` finds no problem. That goes for one below a
 * write log, too, and of a log whose tier is lost as well the prefix is left.
 *
 * More rounds: BLOCKYARD_KILL_ROUNDS=50. Another run: BLOCKYARD_KILL_SEED=n. Another store: S3_ENDPOINT and its like.
 */
const ROUNDS = Number(process.env.BLOCKYARD_KILL_ROUNDS ?? 3);
const SEED = Number(process.env.BLOCKYARD_KILL_SEED ?? 1);
const ROUND_MS_MAX = 60_000;

const VICTIM = fileURLToPath(new URL('../../dist/killed/victim.js', import.meta.url));
const SHAPE = { sizeSectors: 1024, sectorSize: 4096 };
/** Far less than the volume, so that write-back never rests. */
const CACHE_BYTES = 2 * 2 ** 20;
/** Lines after which the process is killed, at most. */
const LINES_MAX = 1000;

let folder: string;
let places: Places;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-killed-'));
  places = await Places.start(folder);
});
afterAll(async () => {
  await places.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Case {
  readonly make: () => Promise<VolumePlace>;
  readonly cacheBytes: number;
  readonly isPrefix: boolean;
  /** Whether the tier is gone after each round: then the volume may lack what was flushed, and is a prefix all the same. */
  readonly losesTier?: boolean;
}

test.each<[string, Case]>([
  ['the file backend', { make: () => places.file('raw.img', SHAPE), cacheBytes: 0, isPrefix: false }],
  [
    'a cache over the file backend',
    { make: () => places.file('c.img', SHAPE), cacheBytes: CACHE_BYTES, isPrefix: false },
  ],
  ['the S3 backend', { make: () => places.chunks(SHAPE), cacheBytes: 0, isPrefix: false }],
  ['a cache over the S3 backend', { make: () => places.chunks(SHAPE), cacheBytes: CACHE_BYTES, isPrefix: false }],
  ['a log in S3', { make: () => places.logInBucket(SHAPE), cacheBytes: 0, isPrefix: true }],
  ['a cache over a log in S3', { make: () => places.logInBucket(SHAPE), cacheBytes: CACHE_BYTES, isPrefix: false }],
  ['a log in a directory', { make: () => places.logInDirectory('raw', SHAPE), cacheBytes: 0, isPrefix: true }],
  [
    'a cache over a log in a directory',
    { make: () => places.logInDirectory('c', SHAPE), cacheBytes: CACHE_BYTES, isPrefix: false },
  ],
  ['a write log on a tier', { make: () => places.logInTier('t', SHAPE), cacheBytes: 0, isPrefix: true }],
  [
    'a cache over a write log on a tier',
    { make: () => places.logInTier('tc', SHAPE), cacheBytes: CACHE_BYTES, isPrefix: false },
  ],
])(
  `kill -9 of %s loses nothing that was flushed (${ROUNDS} rounds, seed ${SEED})`,
  (_name, each) => killAgainAndAgain(each),
  ROUNDS * ROUND_MS_MAX,
);

test(
  `kill -9 and the loss of its tier leave a log the result of a prefix (${ROUNDS} rounds, seed ${SEED})`,
  () => killAgainAndAgain({ make: () => places.logInTier('l', SHAPE), cacheBytes: 0, isPrefix: true, losesTier: true }),
  ROUNDS * ROUND_MS_MAX,
);

async function killAgainAndAgain({ make, cacheBytes, isPrefix, losesTier = false }: Case): Promise<void> {
  const place = await make();
  const random = xoroshiro128plus(SEED);
  const account = new Account(SHAPE.sizeSectors, { areFlushesKept: !losesTier });
  let undecided = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const where = `round ${round} of seed ${SEED}`;
    const args = [JSON.stringify(place), cacheBytes, account.nextStamp, SEED * 1000 + round].map(String);
    await workUntilKilled(args, uniformInt(random, 1, LINES_MAX), account);
    undecided += account.undecided();
    expect(await problemsAt(place), where).toEqual([]);
    if (losesTier) await loseTier(place);
    const found = await contentsOf(place, losesTier);
    expect(account.violation(found, isPrefix), where).toBeUndefined();
    account.goOnFrom(found);
  }
  // Otherwise nothing was on its way when the process was killed, and little was tried.
  expect(account.flushes).toBeGreaterThan(ROUNDS);
  expect(undecided).toBeGreaterThan(0);
}

async function loseTier(place: VolumePlace): Promise<void> {
  if (!('tier' in place) || place.tier === undefined) throw new Error('there is no tier to lose');
  await expect(access(join(place.tier, 'write-log'))).resolves.toBeUndefined();
  await rm(place.tier, { recursive: true });
}

/** Runs a victim until it has told so many lines, and enters them. */
async function workUntilKilled(args: readonly string[], lines: number, account: Account): Promise<void> {
  const child = spawn(process.execPath, [VICTIM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  let left = lines;
  for await (const line of createInterface({ input: child.stdout })) {
    account.enter(line);
    if (--left === 0) child.kill('SIGKILL');
  }
  await exited;
  expect(child.signalCode, errors.join('')).toBe('SIGKILL');
}
