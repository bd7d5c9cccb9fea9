import type * as Crypto from 'node:crypto';
import { BlockError, isBlockError } from '@blockyard/block';
import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { type Fault, FaultyStore, type StoreRequest } from '@blockyard/object-store/faults';
import { systemVolumeClock, type VolumeClock } from '@blockyard/volume-root';
import { beforeEach, expect, test, vi } from 'vitest';
import { createClone, type LogDevice, rollBack, takeSnapshot } from '../index.js';
import { connectSmall, contentsOf, createSmall, PREFIX, SECTOR_SIZE, SIZE_SECTORS } from '../testing/small-volume.js';

/** Everything that was encrypted, by key and nonce. */
const sealed = vi.hoisted(() => ({ times: new Map<string, number>() }));

vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof Crypto>();
  const createCipheriv = (algorithm: Crypto.CipherGCMTypes, key: Uint8Array, nonce: Uint8Array, options: object) => {
    const name = `${Buffer.from(key).toString('hex')}/${Buffer.from(nonce).toString('hex')}`;
    sealed.times.set(name, (sealed.times.get(name) ?? 0) + 1);
    return crypto.createCipheriv(algorithm, key, nonce, options as Crypto.CipherGCMOptions);
  };
  return { ...crypto, createCipheriv };
});

const key = Uint8Array.from({ length: 32 }, (_, at) => at);
const ROUNDS = 16;
/** A snapshot, a clone and a rollback after so many rounds. */
const ROUNDS_OF_HISTORY = 4;
const ATTEMPTS_MAX = 1000;
const OPERATIONS = 120;
/** Longest run of sectors of one write, and of a range of zeroes. */
const WRITE_SECTORS_MAX = 6;
const ZERO_SECTORS_MAX = 400;
const refused = new BlockError('UNAVAILABLE', 'not now');

beforeEach(() => {
  sealed.times.clear();
});

/** Numbers from 0 to 1, the same each time (mulberry32). */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The sectors of a volume as they must be. */
class Model {
  readonly #sectors = new Map<number, Uint8Array>();

  write(start: number, bytes: Uint8Array): void {
    for (let at = 0; at * SECTOR_SIZE < bytes.byteLength; at++) {
      this.#sectors.set(start + at, bytes.slice(at * SECTOR_SIZE, (at + 1) * SECTOR_SIZE));
    }
  }

  zero(start: number, count: number): void {
    for (let at = start; at < start + count; at++) this.#sectors.delete(at);
  }

  get contents(): Uint8Array {
    const bytes = new Uint8Array(SIZE_SECTORS * SECTOR_SIZE);
    for (const [sector, contents] of this.#sectors) bytes.set(contents, sector * SECTOR_SIZE);
    return bytes;
  }
}

type Kind = 'log' | 'pack' | 'map';

/** PUTs of each kind of objects, and how many of them failed. */
type Tally = Record<Kind, { puts: number; failures: number }>;

/** Faults of PUTs, now and then: refused, applied and the reply lost, lost altogether. */
function faultsBy(chance: () => number, tally: Tally): (request: StoreRequest) => Fault | undefined {
  return ({ kind, key: of }) => {
    const [, what] = of.split('/');
    if (kind !== 'put' || !(what === 'log' || what === 'pack' || what === 'map')) return undefined;
    tally[what].puts++;
    if (chance() < 0.7) return undefined;
    tally[what].failures++;
    const which = chance();
    if (which < 0.4) return { kind: 'refuse', error: refused };
    return { kind: 'lose', carriedOut: which < 0.7 ? 'before' : 'never' };
  };
}

const newCount = () => ({ puts: 0, failures: 0 });

/** Pauses are short, so that all is tried again soon. */
const hastyClock: VolumeClock = {
  ...systemVolumeClock,
  set: (run, delayMs) => systemVolumeClock.set(run, delayMs / 100),
};

async function work(device: LogDevice, model: Model, chance: () => number): Promise<void> {
  for (let operation = 0; operation < OPERATIONS; operation++) {
    const start = Math.floor(chance() * (SIZE_SECTORS / 4 - ZERO_SECTORS_MAX));
    const which = chance();
    if (which < 0.85) {
      const bytes = contentsOf(Math.floor(chance() * 2 ** 31), 1 + Math.floor(chance() * WRITE_SECTORS_MAX));
      // A segment that cannot be stored fails writers that wait for room. They try again.
      await untilDone(() => device.write(start, [bytes]));
      model.write(start, bytes);
    } else if (which < 0.9) {
      const count = 1 + Math.floor(chance() * ZERO_SECTORS_MAX);
      await untilDone(() => device.writeZeroes(start, count));
      model.zero(start, count);
    } else {
      // Where a PUT fails the flush does, and the segment is sent again.
      await device.flush().catch(() => {});
    }
  }
  await untilDone(() => device.flush());
}

async function untilDone(task: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isBlockError(error, 'UNAVAILABLE')) throw error;
    }
  }
}

/** A snapshot; a clone, which is written to; a change; and a rollback of that. */
async function makeHistory(objects: MemoryObjects, name: string, chance: () => number): Promise<void> {
  const place = { store: new MemoryStore({ objects }), prefix: PREFIX, key };
  await takeSnapshot(place, name);
  await createClone(place, name, { prefix: name });
  for (const prefix of [name, PREFIX]) {
    const device = await connectSmall(objects, { key, prefix });
    await work(device, new Model(), chance);
    await device.disconnect();
  }
  await rollBack(place, name);
}

test('no key and nonce seal twice, with PUTs that fail, checkpoints, cleaning, ends, crashes, clones and rollbacks', async () => {
  const objects: MemoryObjects = new Map();
  await createSmall(objects, { key });
  const model = new Model();
  const chance = chanceOf(20);
  const tally: Tally = { log: newCount(), pack: newCount(), map: newCount() };
  for (let round = 0; round < ROUNDS; round++) {
    const store = new FaultyStore(new MemoryStore({ objects }));
    const device = await connectSmall(store, { key, minIdleMs: 1, minDeleteDelayMs: 1, clock: hastyClock });
    const bytes = new Uint8Array(SIZE_SECTORS * SECTOR_SIZE);
    await device.read(0, [bytes]);
    expect(Buffer.compare(bytes, model.contents)).toBe(0);
    store.onRequest = faultsBy(chance, tally);
    await work(device, model, chance);
    // A crash, after a flush; or an end with a checkpoint, that may fail as well.
    await device.disconnect({ force: round % 3 === 0 });
    if (round % ROUNDS_OF_HISTORY === 0) await makeHistory(objects, `at-${round}`, chance);
  }
  // All of it has happened, and failed.
  for (const [kind, { puts, failures }] of Object.entries(tally)) {
    expect(failures, `${kind} objects that failed`).toBeGreaterThan(0);
    expect(puts, `${kind} objects`).toBeGreaterThan(failures);
  }
  expect(sealed.times.size).toBeGreaterThan(ROUNDS * OPERATIONS);
  expect([...sealed.times].filter(([, times]) => times > 1)).toEqual([]);
});
