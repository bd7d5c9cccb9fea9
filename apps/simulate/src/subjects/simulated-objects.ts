import { BlockError } from '@blockyard/block';
import type { Life, World } from '@blockyard/conformance/simulator';
import {
  type Condition,
  type DeleteResult,
  type Deletion,
  type GetResult,
  type Listed,
  type ListOptions,
  type MemoryObjects,
  MemoryStore,
  type ObjectStore,
  type ObjectVersion,
  type ProbeOptions,
  type PutResult,
  type StoreAbilities,
  type StoreDates,
  type Traffic,
} from '@blockyard/object-store';

const ID = /[0-9a-f]{32}/g;
const START_MS = Date.UTC(2026, 0, 1);
/** What the dead had on its way arrives at the latest by then. */
const LATE_MS_MAX = 5000;

/** A bucket in memory, on the other side of a network that delays, loses, and delivers what its sender has given up or not lived to see. */
export class SimulatedObjects {
  readonly objects: MemoryObjects = new Map();
  readonly world: World;
  /** All requests fail until then, of the world's time. */
  awayUntilMs = 0;
  /** Requests on their way: what the store would do. */
  readonly onTheirWay = new Set<() => void>();

  constructor(world: World) {
    this.world = world;
  }

  readonly wallMs = (): number => START_MS + this.world.time.now();

  /** A handle whose requests are carried out at once, and well. */
  direct(): MemoryStore {
    return new MemoryStore({ objects: this.objects, wallMs: this.wallMs });
  }

  /** A handle of a process. `beside`: of one that works beside that whose device it is, and is gone when that device is given up. */
  handle(life: Life, beside = false): ObjectStore {
    return new SimulatedHandle(this, life, beside);
  }

  /** The senders of what is on its way are gone: some of it arrives, some later, when others have gone on, some never will. */
  settle(): void {
    const { world } = this;
    for (const apply of this.onTheirWay) {
      if (!world.arrives()) continue;
      if (world.random.chance(0.5)) apply();
      else world.time.set(apply, world.random.between(0, LATE_MS_MAX));
    }
    this.onTheirWay.clear();
  }
}

class SimulatedHandle implements ObjectStore {
  readonly #bucket: SimulatedObjects;
  readonly #life: Life;
  readonly #isBeside: boolean;
  readonly #memory: MemoryStore;
  #isClosed = false;

  constructor(bucket: SimulatedObjects, life: Life, isBeside: boolean) {
    this.#bucket = bucket;
    this.#life = life;
    this.#isBeside = isBeside;
    this.#memory = bucket.direct();
  }

  get dates(): StoreDates {
    return this.#memory.dates;
  }

  get traffic(): Traffic {
    return this.#memory.traffic;
  }

  urlOf(key: string): string {
    return this.#memory.urlOf(key);
  }

  async get(...[key, range, open]: Parameters<ObjectStore['get']>): Promise<GetResult> {
    const pieces: Uint8Array[] = [];
    const found = await this.#send(`get ${key}`, () =>
      this.#memory.get(key, range, () => ({ push: (piece) => pieces.push(piece), end: () => {} })),
    );
    if (typeof found !== 'object') return found;
    const sink = open(found);
    for (const piece of pieces) sink?.push(piece);
    sink?.end();
    return found;
  }

  head(key: string): Promise<ObjectVersion | undefined> {
    return this.#send(`head ${key}`, () => this.#memory.head(key));
  }

  async put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult> {
    // What arrives late is what was sent.
    const sent = new Uint8Array(body);
    try {
      return await this.#send(`put ${key}`, () => this.#memory.put(key, sent, condition, stamp));
    } catch (error) {
      return { kind: 'failed', error: BlockError.from(error, {}), late: true };
    }
  }

  delete(objects: readonly Deletion[]): Promise<DeleteResult[]> {
    return this.#send(`delete ${objects.map(({ key }) => key).join()}`, () => this.#memory.delete(objects));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<readonly Listed[], void> {
    const pages = this.#memory.list(prefix, options);
    for (;;) {
      const page = await this.#send(`list ${prefix}`, () => pages.next());
      if (page.done === true) return;
      yield page.value;
    }
  }

  probe(options: ProbeOptions): Promise<StoreAbilities> {
    return this.#send('probe', () => this.#memory.probe(options));
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Carries a request out when and as chance has it. A process that is over sends nothing, and gets no answer. */
  async #send<T>(name: string, carryOut: () => Promise<T>): Promise<T> {
    const { world, onTheirWay } = this.#bucket;
    if (this.#isClosed) throw new BlockError('DISCONNECTED', 'the store was closed');
    if (!this.#life.isAlive || (this.#isBeside && this.#life.isIdle)) return new Promise(() => {});
    let result: Promise<T> | undefined;
    // All that a store in memory does it does before it first waits.
    const apply = () => {
      result ??= carryOut();
    };
    onTheirWay.add(apply);
    return world.call<Promise<T>>(this.#life, {
      // Ids of volumes do not come from the seed. Without them the same run has the same names.
      name: name.replace(ID, '<id>'),
      parts: 1,
      isAway: world.time.now() < this.#bucket.awayUntilMs,
      apply: () => {
        apply();
        onTheirWay.delete(apply);
      },
      done: () => result as Promise<T>,
      failed: (error) => {
        // It may come yet, as long as its sender lives and after that.
        if (result === undefined && !name.startsWith('put')) onTheirWay.delete(apply);
        return error;
      },
    }) as Promise<T>;
  }
}
