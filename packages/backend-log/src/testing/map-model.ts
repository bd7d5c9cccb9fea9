import type { Liveness, Run } from '../map/run.js';

/** Where a sector points to: an object and a slot in it, or nowhere. */
type Target = string;

const NOWHERE: Target = '0:0';

/** The simplest map there is: a target for each sector that has one. */
export class MapModel {
  readonly #targets = new Map<number, Target>();
  readonly #watches = new Set<Watch>();

  apply({ start, count, object, slot }: Run): void {
    for (let i = 0; i < count; i++) this.#set(start + i, object === 0 ? NOWHERE : `${object}:${slot + i}`);
  }

  truncate(size: number): void {
    for (const sector of [...this.#targets.keys()]) if (sector >= size) this.#set(sector, NOWHERE);
  }

  move(start: number, count: number, from: Pick<Run, 'object' | 'slot'>, to: Pick<Run, 'object' | 'slot'>): number {
    let moved = 0;
    for (let i = 0; i < count; i++) {
      if (this.at(start + i) !== `${from.object}:${from.slot + i}`) continue;
      this.#set(start + i, `${to.object}:${to.slot + i}`);
      moved++;
    }
    return moved;
  }

  at(sector: number): Target {
    return this.#targets.get(sector) ?? NOWHERE;
  }

  /** Sectors that point to each object. */
  live(): Map<number, number> {
    const live = new Map<number, number>();
    for (const target of this.#targets.values()) {
      const object = Number(target.split(':')[0]);
      live.set(object, (live.get(object) ?? 0) + 1);
    }
    return live;
  }

  /** The runs of a range, merged, also those of zeroes. */
  runs(start: number, count: number): Run[] {
    const runs: Run[] = [];
    for (let i = start; i < start + count; i++) {
      const [object = 0, slot = 0] = this.at(i).split(':').map(Number);
      const last = runs.at(-1);
      const continues = last?.object === object && (object === 0 || last.slot + last.count === slot);
      if (last !== undefined && continues) runs[runs.length - 1] = { ...last, count: last.count + 1 };
      else runs.push({ start: i, count: 1, object, slot });
    }
    return runs;
  }

  /** Sees from now on which targets the sectors of a range have. */
  watch(start: number, count: number): Watch {
    const watch = new Watch(start, count);
    for (let i = start; i < start + count; i++) watch.see(i, this.at(i));
    this.#watches.add(watch);
    return watch;
  }

  unwatch(watch: Watch): void {
    this.#watches.delete(watch);
  }

  #set(sector: number, target: Target): void {
    if (target === NOWHERE) this.#targets.delete(sector);
    else this.#targets.set(sector, target);
    for (const watch of this.#watches) watch.see(sector, target);
  }
}

/** The targets that sectors have had while they were watched. */
export class Watch {
  readonly #start: number;
  readonly #seen: Set<Target>[];

  constructor(start: number, count: number) {
    this.#start = start;
    this.#seen = Array.from({ length: count }, () => new Set<Target>());
  }

  see(sector: number, target: Target): void {
    this.#seen[sector - this.#start]?.add(target);
  }

  /** What is wrong with an answer to a lookup of the range, given at some time of the watch. */
  faultsOf(runs: readonly Run[]): string[] {
    const faults: string[] = [];
    let position = this.#start;
    for (const { start, count, object, slot } of runs) {
      if (start !== position || count < 1) faults.push(`a run begins at ${start}, the last ended at ${position}`);
      for (let i = 0; i < count; i++) {
        const target = object === 0 ? NOWHERE : `${object}:${slot + i}`;
        if (!this.#seen[start + i - this.#start]?.has(target)) faults.push(`${start + i} did not point to ${target}`);
      }
      position = start + count;
    }
    if (position !== this.#start + this.#seen.length) faults.push(`the runs end at ${position}`);
    return faults;
  }
}

/** Live sectors of each object, from what a map tells. Never less than none. */
export class LiveCounts implements Liveness {
  readonly counts = new Map<number, number>();

  gained(object: number, sectors: number): void {
    this.#add(object, sectors);
  }

  dropped(object: number, sectors: number): void {
    this.#add(object, -sectors);
  }

  #add(object: number, sectors: number): void {
    const count = (this.counts.get(object) ?? 0) + sectors;
    if (count < 0 || object === 0 || sectors === 0) throw new Error(`${sectors} sectors more of object ${object}`);
    if (count === 0) this.counts.delete(object);
    else this.counts.set(object, count);
  }
}

/** Regions as a volume stores them, given out when a test wants it. */
export class StoredRegions {
  readonly payloads = new Map<number, Uint8Array[]>();
  readonly #waiting: (() => void)[] = [];
  isHeld = false;
  /** Loads to come that fail. */
  failures = 0;
  loads = 0;

  readonly load = async (region: number): Promise<readonly Uint8Array[]> => {
    this.loads++;
    if (this.isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.failures > 0) {
      this.failures--;
      throw new Error('planted');
    }
    return this.payloads.get(region) ?? [];
  };

  readonly hasStored = (region: number): boolean => this.payloads.has(region);
  readonly storedRegions = (): Iterable<number> => this.payloads.keys();

  /** Holds all loads from now on. */
  hold(): void {
    this.isHeld = true;
  }

  /** Lets the loads go on that were held, and holds no more. */
  release(): void {
    this.isHeld = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  putBase(region: number, payload: Uint8Array | undefined): void {
    if (payload === undefined) this.payloads.delete(region);
    else this.payloads.set(region, [payload]);
  }

  putDelta(region: number, payload: Uint8Array): void {
    this.payloads.set(region, [...(this.payloads.get(region) ?? []), payload]);
  }
}
