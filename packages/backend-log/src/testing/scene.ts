import { deepStrictEqual, ok } from 'node:assert';
import { randomInt } from 'node:crypto';
import { isBlockError } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import type { FaultyStore, StoreRequest } from '@blockyard/object-store/faults';
import { checkLogVolume, createLogVolume, type LogDevice, listSnapshots } from '../index.js';
import { Bucket, dieAt } from './bucket.js';
import { Chance, giveUp, History, isSameState, SEGMENT_BYTES, SIZE_SECTORS, type State, stateOf } from './history.js';

/** A snapshot that was asked for. */
interface Expected {
  readonly state: State;
  /** Whether it must be there. Otherwise its taking or deleting has begun and not ended. */
  readonly isCertain: boolean;
}

/** A volume, what it must hold, and which snapshots it has. */
export class Scene {
  readonly bucket: Bucket;
  readonly history: History;
  readonly snapshots: Map<string, Expected>;
  /** States that the volume may have beside those of its history: a rollback has begun. */
  readonly others: State[] = [];

  constructor(bucket = new Bucket(), history = new History(), snapshots: ReadonlyMap<string, Expected> = new Map()) {
    this.bucket = bucket;
    this.history = history;
    this.snapshots = new Map(snapshots);
  }

  static async create(): Promise<Scene> {
    const scene = new Scene();
    const shape = { sectorSize: 512, sizeSectors: SIZE_SECTORS, segmentSizeBytes: SEGMENT_BYTES };
    await createLogVolume({ ...scene.bucket.at(), ...shape });
    return scene;
  }

  copy(): Scene {
    return new Scene(this.bucket.copy(), this.history.copy(), this.snapshots);
  }

  /** Makes a snapshot by `take`, of what the volume holds now. */
  async takeSnapshot(name: string, take: (name: string) => Promise<unknown>): Promise<void> {
    const state = this.history.now;
    this.snapshots.set(name, { state, isCertain: false });
    await take(name);
    this.snapshots.set(name, { state, isCertain: true });
  }

  async deleteSnapshot(name: string, remove: () => Promise<unknown>): Promise<void> {
    const { state } = this.snapshots.get(name) ?? { state: this.history.now };
    this.snapshots.set(name, { state, isCertain: false });
    await remove();
    this.snapshots.delete(name);
  }

  /** What a process does failed. That it may only for want of an answer. */
  failed(error: unknown): void {
    if (!isBlockError(error, 'UNAVAILABLE')) throw error;
  }

  /** Every snapshot that there is, read in full, is what it was; and those that must be there are. */
  async checkSnapshots(): Promise<void> {
    const found = (await listSnapshots(this.bucket.at())).map(({ name }) => name);
    for (const [name, { isCertain }] of this.snapshots) ok(found.includes(name) || !isCertain, `${name} is gone`);
    for (const name of found) {
      const view = await this.bucket.connect({ snapshot: name });
      const state = await stateOf(view);
      await view.disconnect();
      const expected = this.snapshots.get(name);
      deepStrictEqual({ name, ...state }, { name, ...expected?.state });
    }
  }

  /** The store has all that the volume and its snapshots refer to. */
  async checkWhole(): Promise<void> {
    deepStrictEqual((await checkLogVolume(this.bucket.at())).problems, []);
  }

  /**
   * After a crash: the volume is the result of a prefix of its changes, no shorter than what was durable, its snapshots are what
   * they were, and it can be worked on, cleaned and closed.
   */
  async checkRecovery(): Promise<void> {
    const { bucket, history } = this;
    await this.checkSnapshots();
    await this.checkWhole();
    const view = await bucket.connect({ readOnly: true });
    const seen = await stateOf(view);
    await view.disconnect();
    const device = await bucket.connect();
    const found = await stateOf(device);
    deepStrictEqual(found, seen);
    if (this.others.some((state) => isSameState(state, found))) history.goOnFrom(found);
    else history.recovered(found);
    const chance = new Chance(99);
    await history.run(device, chance, 60);
    await history.flush(device);
    await this.takeSnapshot('later', (name) => device.takeSnapshot(name));
    await history.run(device, chance, 40);
    await device.compact();
    deepStrictEqual(await stateOf(device), history.now);
    await this.checkSnapshots();
    await history.run(device, chance, 10);
    await device.disconnect();
    const again = await bucket.connect();
    deepStrictEqual(await stateOf(again), history.now);
    await again.compact();
    deepStrictEqual(await stateOf(again), history.now);
    await giveUp(again);
    await this.checkSnapshots();
    await this.checkWhole();
  }
}

/** What a process does, through its handle of the store. Resolves with what it leaves open, if it does. */
export type Act = (scene: Scene, store: FaultyStore) => Promise<LogDevice | undefined>;

/** More requests than any act makes. */
const REQUESTS_MAX = 2000;

/**
 * Lets a process die at each request of `act` in turn, each time in a copy of the scene, and calls `check` with what it left. Returns
 * how many requests there are.
 */
export async function dieAtEachRequest(scene: Scene, act: Act, check: (left: Scene) => Promise<void>): Promise<number> {
  return atEachRequest(async (request, isCarriedOut) => {
    const left = scene.copy();
    const store = left.bucket.process();
    const { died, isDead } = dieAt(store, request, isCarriedOut);
    const acting = act(left, store);
    acting.catch(() => {});
    await Promise.race([acting, died.then(settled)]).catch((error: unknown) => {
      if (!isDead()) throw error;
    });
    if (!isDead()) return undefined;
    return { last: store.requests[request - 1], check: () => check(left) };
  });
}

/**
 * Lets the reply to each request of `act` in turn be lost, after it was carried out or in its place, each time in a copy of the scene.
 * What was open goes on, and everything gets through in the end. Then another process looks at it. Returns how many requests there are.
 */
export async function loseEachReply(scene: Scene, act: Act, check: (left: Scene) => Promise<void>): Promise<number> {
  return atEachRequest(async (request, isCarriedOut) => {
    const left = scene.copy();
    const { bucket, history } = left;
    const store = bucket.process();
    let begun = 0;
    store.onRequest = () => {
      begun++;
      return begun === request ? { kind: 'lose', carriedOut: isCarriedOut ? 'before' : 'never' } : undefined;
    };
    const device = await act(left, store).catch((error: unknown) => {
      if (!isBlockError(error, 'UNAVAILABLE') || begun < request) throw error;
      return undefined;
    });
    if (begun < request) return undefined;
    const last = store.requests[request - 1];
    const goOn = async () => {
      if (device !== undefined) {
        await bucket.clock.advanceAndSettle(RETRIED_MS);
        await history.flush(device);
        deepStrictEqual(await stateOf(device), history.now);
        await device.compact();
        deepStrictEqual(await stateOf(device), history.now);
        await giveUp(device);
      }
      await check(left);
    };
    return { last, check: goOn };
  });
}

/** By then everything that failed was tried again. */
const RETRIED_MS = 3000;

interface Left {
  readonly last: StoreRequest | undefined;
  readonly check: () => Promise<void>;
}

/**
 * Whether each request is met, in both ways. Otherwise every other one is, in turn as carried out and as not, and chance says where
 * both begin: so a run takes a quarter of the time, and what it leaves out the next one may have.
 */
const IS_THOROUGH = process.env.BLOCKYARD_THOROUGH === '1';

async function atEachRequest(
  run: (request: number, isCarriedOut: boolean) => Promise<Left | undefined>,
): Promise<number> {
  const step = IS_THOROUGH ? 1 : 2;
  let isNextCarriedOut = randomInt(2) === 0;
  for (let request = 1 + randomInt(step); request <= REQUESTS_MAX; request += step) {
    isNextCarriedOut = !isNextCarriedOut;
    for (const isCarriedOut of IS_THOROUGH ? [true, false] : [isNextCarriedOut]) {
      const left = await run(request, isCarriedOut);
      if (left === undefined) return request - 1;
      const { last, check } = left;
      await check().catch((error: Error) => {
        const which = `request ${request}, ${last?.kind} ${last?.key}`;
        const how = isCarriedOut ? 'carried out' : 'which never came';
        throw new Error(`${which}, ${how}: ${error.message}`, { cause: error });
      });
    }
  }
  throw new Error(`more than ${REQUESTS_MAX} requests`);
}
