import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { writersOf } from '@blockyard/conformance/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Chronicle } from './chronicle.js';
import { problemsAt } from './log-places.js';
import { connectPlace, type VolumePlace } from './place.js';
import { Places } from './places.js';
import { SHAPE } from './reign.js';

/**
 * Two processes fight for one log: each takes it from the other, writes and flushes until it is fenced, and takes it again. Both
 * are killed in the middle of it. Whatever flush was acknowledged to either is there, in its order, and the loser was told `FENCED`.
 *
 * More rounds: BLOCKYARD_FIGHT_ROUNDS=100. Another store: S3_ENDPOINT and its like.
 */
const ROUNDS = Number(process.env.BLOCKYARD_FIGHT_ROUNDS ?? 3);
const ROUND_MS_MAX = 60_000;
/** Times that the volume was opened and something flushed, in one round. */
const REIGNS = 6;

const FIGHTER = fileURLToPath(new URL('../../dist/killed/fighter.js', import.meta.url));

let folder: string;
let places: Places;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-fight-'));
  places = await Places.start(folder);
});
afterAll(async () => {
  await places.stop();
  await rm(folder, { recursive: true, force: true });
});

test.each<[string, () => Promise<VolumePlace>]>([
  ['in S3', () => places.logInBucket(SHAPE)],
  ['in a directory', () => places.logInDirectory('log', SHAPE)],
])(
  `two processes that fight for a log %s lose no flush that was acknowledged (${ROUNDS} rounds)`,
  async (_name, make) => {
    const place = await make();
    const chronicle = new Chronicle();
    for (let round = 0; round < ROUNDS; round++) {
      await fight(place, chronicle);
      expect(await problemsAt(place), `round ${round}`).toEqual([]);
      chronicle.check(await contentsOf(place));
    }
    const { endings } = chronicle;
    expect(endings.get('ended FENCED')).toBeGreaterThan(ROUNDS);
    // Whatever process comes in between while a volume is being opened has it.
    expect(
      [...endings.keys()].filter((each) => !['ended FENCED', 'refused LOCKED', 'refused FENCED'].includes(each)),
    ).toEqual([]);
  },
  ROUNDS * ROUND_MS_MAX,
);

/** Lets two processes fight until there were enough reigns. */
async function fight(place: VolumePlace, chronicle: Chronicle): Promise<void> {
  const first = chronicle.nextReign;
  const fighters = [0, 1].map((each) => {
    const args = [JSON.stringify(place), first + each, 2].map(String);
    return spawn(process.execPath, [FIGHTER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  });
  const onLine = (line: string) => {
    chronicle.enter(line);
    if (chronicle.fruitful >= REIGNS) for (const fighter of fighters) fighter.kill('SIGKILL');
  };
  await Promise.all(fighters.map((fighter) => follow(fighter, onLine, fighters)));
}

/** Until the process is killed. If it ends by itself so do the others. */
async function follow(child: ChildProcess, onLine: (line: string) => void, all: ChildProcess[]): Promise<void> {
  const closed = once(child, 'close');
  const errors: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', onLine);
  await closed;
  for (const other of all) other.kill('SIGKILL');
  expect(child.signalCode, errors.join('')).toBe('SIGKILL');
}

/** Opens the volume, and tells who wrote each sector. */
async function contentsOf(place: VolumePlace): Promise<number[]> {
  const device = await connectPlace(place);
  const bytes = new Uint8Array(SHAPE.sizeSectors * SHAPE.sectorSize);
  await device.read(0, [bytes]);
  await device.disconnect();
  return writersOf(bytes, 0, SHAPE.sectorSize);
}
