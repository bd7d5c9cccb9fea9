import { type Contents, CrashMedium, type MediumChange } from '../bases/crash-medium.js';
import type { CrashState } from '../bases/crash-states.js';
import type { Shape } from '../bases/shape.js';
import type { Random } from './random.js';
import type { World } from './world.js';

/** Sectors that outlive the processes that use them. Knows what is on them now, and what a crash may leave. */
export class SimulatedMedium {
  /** All calls fail until then, of the world's time. */
  awayUntilMs = 0;
  readonly #world: World;
  #crash: CrashMedium;
  /** What reads find, crash or none: sectors that are not zeroes. */
  readonly #now: Map<number, Uint8Array>;
  #sizeSectors: number;
  #ids = 0;
  #hasLost = false;

  constructor(world: World, shape: Shape = world.shape) {
    this.#world = world;
    this.#crash = new CrashMedium(shape);
    this.#now = new Map();
    this.#sizeSectors = shape.sizeSectors;
  }

  /** What a crash now may leave. Another object after each crash. */
  get crashMedium(): CrashMedium {
    return this.#crash;
  }

  get sizeSectors(): number {
    return this.#sizeSectors;
  }

  /** What a sector has now. */
  contents(sector: number): Contents {
    return this.#now.get(sector);
  }

  /** Carries a write out. The id is for `accepted` or `failed`. */
  write(start: number, sectors: readonly Uint8Array[]): number {
    for (const [i, contents] of sectors.entries()) this.#now.set(start + i, contents);
    return this.#record({ type: 'write', start, sectors }, start, sectors.length);
  }

  /** Makes zeroes of sectors. Gives the number of the change. */
  zero(start: number, count: number): number {
    for (let at = start; at < start + count; at++) this.#now.delete(at);
    return this.#record({ type: 'zero', start, count }, start, count);
  }

  /** Changes the size. Gives the number of the change. */
  resize(sizeSectors: number): number {
    for (const sector of [...this.#now.keys()]) if (sector >= sizeSectors) this.#now.delete(sector);
    this.#sizeSectors = sizeSectors;
    return this.#record({ type: 'resize', sizeSectors });
  }

  /** A flush begins; what was accepted until now (the size, too, or only contents) is durable once it is accepted itself. */
  flush(what: 'everything' | 'contents' = 'everything'): number {
    const range = what === 'contents' ? { start: 0, count: Number.POSITIVE_INFINITY } : undefined;
    return this.#record({ type: 'flush', range }, 0, 0);
  }

  /** A flush failed as `fsync` does: what is not durable by now never will be, unless it is written again. */
  lose(): void {
    this.#crash.lose();
    this.#hasLost = true;
  }

  /** Whether a flush has failed like that since the last crash: reads may go back to what is durable at any time. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** A change was answered, and its caller knows. */
  accepted(id: number): void {
    this.#crash.record({ type: 'accepted', id });
  }

  /** A change was answered with an error. */
  failed(id: number): void {
    this.#crash.record({ type: 'failed', id });
  }

  /** The power fails: of what is not durable, chance says what stays. */
  crash(random: Random): void {
    const state = drawCrashState(this.#crash, random);
    this.#crash = new CrashMedium(state, state.sectors);
    this.#sizeSectors = state.sizeSectors;
    this.#now.clear();
    this.#hasLost = false;
    for (const [sector, contents] of state.sectors) this.#now.set(sector, contents);
  }

  #record(event: MediumChange, start?: number, count?: number): number {
    this.#ids++;
    this.#crash.record({ ...event, id: this.#ids });
    if (count !== 0) this.#world.onMediumEvent(start, count);
    return this.#ids;
  }
}

/** One of the states that a crash may leave: mostly any, often one of the two extremes. */
export function drawCrashState(medium: CrashMedium, random: Random): CrashState {
  const mode = random.below(4);
  const choose = <T>(versions: readonly T[]): T | undefined => {
    if (mode === 0) return versions[0];
    return mode === 1 ? versions.at(-1) : versions[random.below(versions.length)];
  };
  const sizeSectors = choose(medium.sizesAfterCrash()) ?? 0;
  const sectors = new Map<number, Uint8Array>();
  for (const sector of medium.touched()) {
    const contents = choose(medium.afterCrash(sector));
    if (contents !== undefined && sector < sizeSectors) sectors.set(sector, contents);
  }
  return { sectorSize: medium.sectorSize, sizeSectors, sectors };
}
