import { match, ok, strictEqual } from 'node:assert';
import { BlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import {
  CHANGES_MAX,
  type ChangeLog,
  createGroupLogDevice,
  type Group,
  LogContents,
  type LoggedChange,
} from '../bases/group-log.js';
import { crashAtEachCall } from './crash-at-each-call.js';
import { failEachCall } from './fail-each-call.js';
import type { Life } from './life.js';
import { shrink } from './shrink.js';
import { type SimulationOutcome, simulate } from './simulate.js';
import type { SimulationSubject } from './simulated-system.js';
import type { World } from './world.js';

const SHORT = { maxSteps: 200, maxSectors: 48 };
const RETRY_MS = 50;

/** A store of numbered groups, which arrive in whatever order their calls end. */
class Store {
  readonly groups = new Map<number, Group>();
  /** On their way. */
  readonly sent = new Map<number, Group>();
  readonly #world: World;
  readonly #isGreedy: boolean;

  /** @param isGreedy whether groups that came after a missing one are taken, too */
  constructor(world: World, isGreedy: boolean) {
    this.#world = world;
    this.#isGreedy = isGreedy;
  }

  /** The groups that count. The others are gone for good, so that their numbers can be given again. */
  async recover(life: Life): Promise<Map<number, Group>> {
    return this.#world.call(life, { name: 'list', parts: 1, apply: () => {}, done: () => this.#whatCounts() });
  }

  async put(life: Life, number: number, group: Group): Promise<void> {
    this.sent.set(number, group);
    await this.#world.call(life, {
      name: `put ${number}`,
      parts: 1,
      apply: () => this.groups.set(number, group),
      done: () => this.sent.delete(number),
    });
  }

  /** Of what is on its way, each may arrive. */
  crash(): void {
    for (const [number, group] of this.sent) if (this.#world.arrives()) this.groups.set(number, group);
    this.sent.clear();
  }

  #whatCounts(): Map<number, Group> {
    this.sent.clear();
    const sorted = [...this.groups].sort(([a], [b]) => a - b);
    const counting = sorted.filter(([number], i) => number === i || this.#isGreedy);
    this.groups.clear();
    for (const [number, group] of counting) this.groups.set(number, group);
    return new Map(counting);
  }
}

/** The log of one process. */
class SimulatedLog implements ChangeLog {
  readonly sectorSize: number;
  readonly #now: LogContents;
  readonly #store: Store;
  readonly #life: Life;
  #open: LoggedChange[] = [];
  #next: number;
  /** Numbers that have not arrived. */
  readonly #missing = new Set<number>();
  #waiting: (() => void)[] = [];
  #isGivenUp = false;

  constructor({ shape }: World, store: Store, life: Life, groups: ReadonlyMap<number, Group>) {
    this.sectorSize = shape.sectorSize;
    this.#store = store;
    this.#life = life;
    this.#now = new LogContents(shape.sizeSectors);
    this.#next = 0;
    for (const [number, group] of groups) {
      this.#now.apply(group);
      this.#next = number + 1;
    }
  }

  get sizeSectors(): number {
    return this.#now.sizeSectors;
  }

  sector(at: number): Uint8Array | undefined {
    return this.#now.sectors.get(at);
  }

  append(change: LoggedChange): void {
    this.#now.apply([change]);
    this.#open.push(change);
    if (this.#open.length === CHANGES_MAX) this.#seal();
  }

  async flush(): Promise<void> {
    this.#seal();
    const next = this.#next;
    while ([...this.#missing].some((number) => number < next)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#isGivenUp) throw new BlockError('DISCONNECTED', 'given up');
    }
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#life.abortCalls();
    this.#wake();
  }

  #seal(): void {
    if (this.#open.length === 0) return;
    const number = this.#next++;
    this.#missing.add(number);
    void this.#put(number, this.#open);
    this.#open = [];
  }

  async #put(number: number, group: Group): Promise<void> {
    while (this.#missing.has(number) && !this.#isGivenUp) {
      try {
        await this.#store.put(this.#life, number, group);
        this.#missing.delete(number);
      } catch {
        await new Promise<void>((resolve) => this.#life.clock.set(resolve, RETRY_MS));
      }
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** @param isChecked whether the simulation is told that it keeps the order */
function subject({ isGreedy = false, isChecked = true } = {}): SimulationSubject {
  return {
    name: 'log',
    create(world) {
      const store = new Store(world, isGreedy);
      return {
        prefixConsistent: isChecked,
        crash: () => store.crash(),
        async open(life) {
          return createGroupLogDevice(new SimulatedLog(world, store, life, await store.recover(life)));
        },
      };
    },
  };
}

async function search(seeds: number, which: SimulationSubject): Promise<SimulationOutcome | undefined> {
  for (let seed = 0; seed < seeds; seed++) {
    const outcome = await simulate(which, { seed }, SHORT);
    if (outcome.violation !== undefined) return outcome;
  }
  return undefined;
}

describe('a device that keeps the order of its writes', () => {
  test('passes', async () => {
    strictEqual((await search(150, subject()))?.violation?.message, undefined);
  });

  test('passes where each call fails, and where the process dies at each call', async () => {
    const options = { maxSteps: 60, maxSectors: 16 };
    for (const run of [failEachCall, crashAtEachCall]) {
      const { outcome, runs } = await run(subject(), { seed: 5 }, options);
      strictEqual(outcome.violation?.message, undefined);
      ok(runs > 10, `${runs} runs`);
    }
  });
});

describe('a device that takes writes for there although some before them are not', () => {
  test('is found out, and the failure made smaller', async () => {
    const found = await search(150, subject({ isGreedy: true }));
    strictEqual(found?.violation?.clauses, 'D5');
    const smaller = await shrink(subject({ isGreedy: true }), found, { ...SHORT, maxTries: 300 });
    match(
      smaller.violation?.message ?? '',
      /^D5: after a crash .*, without .*, which was accepted before .* submitted/,
    );
  });

  test('breaks no other clause', async () => {
    strictEqual((await search(150, subject({ isGreedy: true, isChecked: false })))?.violation?.message, undefined);
  });
});
