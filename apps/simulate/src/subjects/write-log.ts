import { ok } from 'node:assert';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import {
  type Action,
  type Life,
  openSimulatedBase,
  SimulatedMedium,
  type SimulatedSystem,
  type SimulationSubject,
  type World,
} from '@blockyard/conformance/simulator';
import { connectWriteLog, type WriteLogDevice, type WriteLogOptions } from '@blockyard/write-log';
import { logBase, memoryBase, type SimulatedBase } from './write-log-bases.js';

const START_MS = Date.UTC(2026, 0, 1);
const MEDIUM_BYTES = [(1 << 20) + (128 << 10), 3 << 20] as const;
const AWAY_MS_MAX = 60_000;
/** Openings that begin with a medium other than the one that was used last. */
const WRONG_FIRST = 0.4;
/** Of the worlds that may lose a medium in a crash, how often they do. */
const LOST = 0.5;

/** What an action does, by its chance. */
const DRAINS = 0.4;
const BASE_AWAY = 0.7;

/** A write log above a log volume, or above memory, on a medium that fails, is mistaken for another, or is lost. */
export const writeLogSubject: SimulationSubject = {
  name: 'write-log',
  async create(world: World) {
    const base = world.random.chance(0.4) ? memoryBase(world) : await logBase(world);
    return new SimulatedTier(world, base);
  },
};

class SimulatedTier implements SimulatedSystem {
  readonly prefixConsistent: boolean;
  readonly losesFlushed: boolean;
  readonly timesOut: boolean;
  readonly macrotasksToRest = 2;
  readonly #world: World;
  readonly #base: SimulatedBase;
  readonly #options: Partial<WriteLogOptions>;
  readonly #losesMedia: boolean;
  #medium: SimulatedMedium;
  /** A disk that has another tier of this base, or none. */
  #other: SimulatedMedium;
  #opened: WriteLogDevice | undefined;
  /** Whether the base may have gone on without the medium, since that failed. */
  #hasMediumFailed = false;
  #isMediumLost = false;

  constructor(world: World, base: SimulatedBase) {
    const { random } = world;
    this.#world = world;
    this.#base = base;
    const durability = random.chance(0.8) ? 'medium' : 'base';
    const maxDirtyAgeMs = random.pick([5, 500, 10_000]);
    const maxMediumWaitMs = random.pick([50, 1000, 30_000]);
    this.#options = {
      durability,
      maxDirtyAgeMs,
      maxMediumWaitMs,
      maxMemoryBytes: 1 << 20,
      keepOrder: base.keepsOrder || random.chance(0.5),
    };
    this.timesOut = world.maxCallMs >= maxMediumWaitMs;
    this.prefixConsistent = base.keepsOrder;
    this.#losesMedia = base.keepsOrder && random.chance(0.4);
    this.losesFlushed = this.#losesMedia && this.#isDurableHere;
    this.#medium = this.#newMedium();
    this.#other = this.#newMedium();
  }

  get #isDurableHere(): boolean {
    return this.#options.durability === 'medium';
  }

  async open(life: Life): Promise<BlockDevice> {
    this.#opened = undefined;
    const isOtherFirst = this.#base.hasMark && this.#world.random.chance(WRONG_FIRST);
    if (isOtherFirst) await this.#tryOther(life);
    this.#opened ??= await this.#openOwn(life);
    return this.#opened;
  }

  crash(): void {
    this.#base.crash();
    for (const medium of [this.#medium, this.#other]) medium.crash(this.#world.random);
    if (!this.#losesMedia || !this.#world.random.chance(LOST)) return;
    this.#medium = this.#newMedium();
    this.#isMediumLost = true;
  }

  check(): void {
    if (this.#opened === undefined) return;
    const { memoryBytes, ringUsedShare, undrainedBytes } = this.#opened.snapshot();
    ok(memoryBytes <= 1 << 20, `the write log holds ${memoryBytes} bytes in memory`);
    ok(ringUsedShare <= 1, `the ring is used ${ringUsedShare} times over`);
    ok(undrainedBytes >= 0, `${undrainedBytes} bytes are not drained`);
  }

  async act(_: BlockDevice, { which, much }: Action): Promise<void> {
    const untilMs = this.#world.time.now() + Math.ceil(AWAY_MS_MAX ** much);
    if (which < DRAINS) await this.#opened?.drain();
    // In a world without failures clients resize beside each other, which none that may fail can do.
    else if (!this.#world.mayInject) return;
    else if (which < BASE_AWAY) this.#base.away(untilMs);
    else this.#medium.awayUntilMs = untilMs;
  }

  mayFail(error: unknown): boolean {
    // The root of the log volume was changed at the moment of a takeover, by what the dead had on its way.
    if (isBlockError(error, 'LOCKED')) return this.prefixConsistent;
    // What hangs longer than is allowed has failed.
    if (isBlockError(error, 'TIMEOUT')) return true;
    return isBlockError(error, 'UNAVAILABLE') && this.#world.injected > 0;
  }

  #newMedium(): SimulatedMedium {
    const { random, shape } = this.#world;
    const { sectorSize } = shape;
    return new SimulatedMedium(this.#world, { sectorSize, sizeSectors: random.pick(MEDIUM_BYTES) / sectorSize });
  }

  /** Another disk is in the medium's place. It is refused, or the base has nothing that is on the right one alone. */
  async #tryOther(life: Life): Promise<void> {
    try {
      this.#opened = await this.#connect(life, this.#other, false);
    } catch (error) {
      if (!isBlockError(error, 'TIER_MISSING')) throw error;
      ok(this.#isDurableHere, 'what every flush has brought to the base is missed on another disk');
      return;
    }
    [this.#medium, this.#other] = [this.#other, this.#medium];
    this.#isMediumLost = false;
  }

  async #openOwn(life: Life): Promise<WriteLogDevice> {
    try {
      return await this.#connect(life, this.#medium, false);
    } catch (error) {
      const isExpected = this.#isMediumLost || this.#hasMediumFailed;
      if (!isBlockError(error, 'TIER_MISSING') || !isExpected) throw error;
      ok(this.#isDurableHere, 'what every flush has brought to the base is missed');
    }
    return this.#connect(life, this.#medium, true);
  }

  async #connect(life: Life, medium: SimulatedMedium, acceptLoss: boolean): Promise<WriteLogDevice> {
    const { device, baseId, mark } = await this.#base.open(life);
    const opened = await connectWriteLog(device, {
      ...this.#options,
      medium: openSimulatedBase(this.#world, medium, life),
      baseId,
      mark,
      acceptLoss,
      clock: { ...life.clock, wallMs: () => START_MS + this.#world.time.now() },
      newId: () => this.#newId(),
      onError: () => {
        this.#hasMediumFailed = true;
      },
    });
    this.#isMediumLost = false;
    return opened;
  }

  #newId(): string {
    return Array.from({ length: 4 }, () =>
      (this.#world.random.below(2 ** 32 - 1) + 1).toString(16).padStart(8, '0'),
    ).join('');
  }
}
