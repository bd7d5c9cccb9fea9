import { deepStrictEqual } from 'node:assert';
import {
  type ConnectLogOptions,
  checkLogVolume,
  connectLog,
  createClone,
  createLogVolume,
  deleteLogVolume,
  deleteSnapshot,
  type LogDevice,
  listSnapshots,
  rollBack,
  takeSnapshot,
} from '@blockyard/backend-log';
import { type BlockDevice, type BlockErrorCode, isBlockError } from '@blockyard/block';
import type { Life, SimulatedSystem, SimulationSubject, World } from '@blockyard/conformance/simulator';
import { follow, see } from './log-follower.js';
import { SimulatedObjects } from './simulated-objects.js';

const PREFIX = 'volume';
/** Slots of a segment. */
const SLOTS = [16, 24, 40] as const;
/** What a segment has beside its slots. */
const HEAD_AND_TAIL_BYTES = 64 + (48 << 10);
const TRAILER_BYTES = 16;
const SNAPSHOTS_MAX = 5;
const CLONES_MAX = 2;
/** What a process does beside its clients, and how long it waits in between. */
const WORKS_MAX = 12;
const PAUSE_MS_MAX = 200;

/** The log volume, with all that goes on beside its writer, over a bucket of the simulation's. */
export const logSubject: SimulationSubject = {
  name: 'log',
  async create(world: World) {
    const bucket = new SimulatedObjects(world);
    const { sectorSize, sizeSectors } = world.shape;
    const segmentSizeBytes = HEAD_AND_TAIL_BYTES + world.random.pick(SLOTS) * (sectorSize + TRAILER_BYTES);
    await createLogVolume({ store: bucket.direct(), prefix: PREFIX, sectorSize, sizeSectors, segmentSizeBytes });
    return new SimulatedLog(world, bucket);
  },
};

/** Outcomes that what goes on beside a writer may have: it comes too early, too late, or again. */
const BESIDE: readonly BlockErrorCode[] = ['ALREADY_EXISTS', 'NOT_FOUND', 'LOCKED', 'NO_SPACE', 'DISCONNECTED'];

class SimulatedLog implements SimulatedSystem {
  readonly prefixConsistent = true;
  readonly macrotasksToRest = 2;
  readonly #world: World;
  readonly #bucket: SimulatedObjects;
  readonly #options: Partial<ConnectLogOptions>;
  /** What snapshots were when they were first seen: of the volume and of its clones, by `prefix@name`. */
  readonly #seen = new Map<string, Buffer>();
  /** Clones whose deletion has begun. What is left of one that was interrupted is no volume. */
  readonly #deleted = new Set<string>();
  #names = 0;
  #isFollowed = false;
  #hasOtherWriters = false;
  #failure: unknown;

  constructor(world: World, bucket: SimulatedObjects) {
    const { random } = world;
    this.#world = world;
    this.#bucket = bucket;
    this.#options = {
      maxInFlightSegments: random.pick([1, 2, 8]),
      maxDirtyAgeMs: random.pick([5, 500, 5000]),
      maxConcurrency: random.pick([1, 4, 64]),
      minDeleteDelayMs: random.pick([0, 100]),
      minIdleMs: random.pick([1, 50]),
    };
  }

  async open(life: Life): Promise<BlockDevice> {
    // What a process before left on its way has arrived by now, or comes late, or never will.
    this.#bucket.settle();
    await this.#look();
    const device = await this.#connect(life, { store: this.#bucket.handle(life) });
    void this.#goOnBeside(life, device);
    if (!this.#isFollowed) void this.#follow();
    this.#isFollowed = true;
    return device;
  }

  crash(): void {}

  /** What went wrong beside the clients. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** As long as the process lives: other processes, snapshots, clones, the cleaner, and a look at all that is kept after each. */
  async #goOnBeside(life: Life, device: LogDevice): Promise<void> {
    const { random } = this.#world;
    try {
      for (let works = 0; works < WORKS_MAX; works++) {
        await new Promise<void>((resolve) => life.clock.set(resolve, random.between(1, PAUSE_MS_MAX)));
        await this.#workBeside(life, device);
        await this.#look();
      }
    } catch (error) {
      this.#failure ??= error;
    }
  }

  async #workBeside(life: Life, device: LogDevice): Promise<void> {
    const { random } = this.#world;
    const much = random.below(1000) / 1000;
    const works = [
      () => device.compact(),
      () => this.#snapshot((name) => device.takeSnapshot(name)),
      () => this.#snapshot((name) => takeSnapshot(this.#place(life), name, this.#clockOf(life))),
      () => this.#deleteOne(life, much),
      () => this.#cloneOne(life, much),
      () => this.#workOnClone(life, much),
      () => this.#takeOver(life, much),
    ] as const;
    try {
      await random.pick(works)();
    } catch (error) {
      if (!this.#mayFailBeside(error)) throw error;
    }
  }

  #mayFailBeside(error: unknown): boolean {
    return BESIDE.some((code) => isBlockError(error, code)) || this.#world.isCauseOf(error) || this.mayFail(error);
  }

  mayFail(error: unknown): boolean {
    // The root was changed at the moment of a takeover: also by what the dead had on its way.
    if (isBlockError(error, 'LOCKED')) return true;
    if (isBlockError(error, 'FENCED')) return this.#hasOtherWriters;
    return isBlockError(error, 'UNAVAILABLE') && this.#world.injected > 0;
  }

  isLost(error: unknown): boolean {
    return isBlockError(error, 'FENCED');
  }

  #name(): string {
    return `s${++this.#names}`;
  }

  #place(life: Life, prefix = PREFIX) {
    return { store: this.#bucket.handle(life, true), prefix };
  }

  #connect(life: Life, options: Partial<ConnectLogOptions> = {}): Promise<LogDevice> {
    return connectLog({ ...this.#place(life), ...this.#options, clock: this.#clockOf(life), ...options });
  }

  /** The time of a process. It stands still once that is over. */
  #clockOf(life: Life): NonNullable<ConnectLogOptions['clock']> {
    return { ...life.clock, wallMs: this.#bucket.wallMs };
  }

  /** The volume and its clones are whole, and every snapshot, read in full, is what it was. */
  async #look(): Promise<void> {
    for (const prefix of this.#prefixes()) {
      const at = () => ({ store: this.#bucket.direct(), prefix });
      deepStrictEqual((await checkLogVolume(at())).problems, [], `${prefix} is not whole`);
      for (const { name } of await listSnapshots(at())) {
        const view = await connectLog({ ...at(), snapshot: name });
        const bytes = await contentsOf(view);
        await view.disconnect();
        const before = this.#seen.get(`${prefix}@${name}`);
        if (before === undefined) this.#seen.set(`${prefix}@${name}`, bytes);
        else deepStrictEqual(bytes, before, `snapshot ${name} of ${prefix} has changed`);
      }
    }
  }

  /** Of volumes that there are. */
  #prefixes(): string[] {
    return [...this.#bucket.objects.keys()]
      .filter((key) => key.endsWith('/volume.json'))
      .map((key) => key.slice(0, -'/volume.json'.length))
      .filter((prefix) => !this.#deleted.has(prefix));
  }

  async #deleteOne(life: Life, much: number): Promise<void> {
    const snapshots = await listSnapshots(this.#place(life));
    const chosen = snapshots[Math.floor(much * snapshots.length)];
    if (chosen !== undefined) await deleteSnapshot(this.#place(life), chosen.name);
  }

  async #cloneOne(life: Life, much: number): Promise<void> {
    const snapshots = await listSnapshots(this.#place(life));
    const chosen = snapshots[Math.floor(much * snapshots.length)];
    const clones = this.#prefixes().filter((prefix) => prefix !== PREFIX);
    if (snapshots.length > SNAPSHOTS_MAX && chosen !== undefined) await deleteSnapshot(this.#place(life), chosen.name);
    else if (clones.length >= CLONES_MAX) {
      this.#deleted.add(clones[0] ?? '');
      await deleteLogVolume(this.#place(life, clones[0]), { takeOver: true, clock: this.#clockOf(life) });
    } else if (chosen !== undefined)
      await createClone(this.#place(life), chosen.name, { prefix: `clone-${this.#name()}` });
  }

  /** A clone is changed, and made again what it was. */
  async #workOnClone(life: Life, much: number): Promise<void> {
    const prefix = this.#prefixes().find((each) => each !== PREFIX);
    if (prefix === undefined) return;
    const device = await this.#connect(life, this.#place(life, prefix));
    const name = this.#name();
    try {
      const { sectorSize, sizeSectors } = device.info;
      await device.takeSnapshot(name);
      for (let at = Math.floor(much * 4); at < sizeSectors; at += 3) {
        await device.write(at, [new Uint8Array(sectorSize).fill(at)]);
      }
      await device.compact();
      await device.disconnect();
    } finally {
      await device.disconnect({ force: true });
    }
    await rollBack(this.#place(life, prefix), name, { takeOver: true, clock: this.#clockOf(life) });
    const view = await connectLog({ store: this.#bucket.direct(), prefix, readOnly: true });
    const bytes = await contentsOf(view);
    await view.disconnect();
    await this.#look();
    deepStrictEqual(bytes, this.#seen.get(`${prefix}@${name}`), `${prefix} is not what it was`);
  }

  /** A process that follows the volume through all of its writers. */
  async #follow(): Promise<void> {
    try {
      await follow({
        world: this.#world,
        open: (life, followMs) => this.#connect(life, { readOnly: true, followMs }),
        mayFail: (error) => this.#mayFailBeside(error),
      });
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** What a snapshot keeps was there between when it was asked for and when it was taken. */
  async #snapshot(take: (name: string) => Promise<unknown>): Promise<void> {
    const name = this.#name();
    const watch = this.#world.watch();
    await take(name);
    const view = await connectLog({ store: this.#bucket.direct(), prefix: PREFIX, snapshot: name });
    await see(view, watch, true);
    await view.disconnect();
    this.#world.unwatch(watch);
  }

  /**
   * Another process takes the volume over, writes again what some sectors have, and ends or dies. So nothing is different, for all
   * that it has stored.
   */
  async #takeOver(life: Life, much: number): Promise<void> {
    // A resize that it makes fail is as one that the store makes fail: the simulation has it alone in such worlds only.
    if (much > 0.3 || !this.#world.mayInject) return;
    this.#hasOtherWriters = true;
    const watch = this.#world.watch();
    const device = await this.#connect(life);
    const bytes = await see(device, watch, true);
    this.#world.unwatch(watch);
    const { sizeSectors, sectorSize } = device.info;
    for (let at = Math.floor(much * 20); at < sizeSectors; at += 2) {
      await device.write(at, [bytes.subarray(at * sectorSize, (at + 1) * sectorSize)]);
    }
    if (much > 0.1) await device.flush();
    await device.disconnect({ force: much > 0.15 });
  }
}

async function contentsOf(device: BlockDevice): Promise<Buffer> {
  const { sizeSectors, sectorSize } = device.info;
  const bytes = Buffer.alloc(sizeSectors * sectorSize);
  if (sizeSectors > 0) await device.read(0, [bytes]);
  return bytes;
}
