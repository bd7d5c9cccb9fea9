import { type BlockDevice, type BlockDriver, createDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import type { MediumChange } from './crash-medium.js';
import type { CrashState } from './crash-states.js';
import { sectorViews } from './sector-views.js';
import type { Shape } from './shape.js';

export type LoggedChange = Exclude<MediumChange, { type: 'flush' }>;

/** Changes that become durable together, in the order in which they were accepted. */
export type Group = readonly LoggedChange[];

/**
 * Which sequences of groups, of those that were sealed and are not durable, a crash may leave. The last one is what is left of a
 * device that is given up.
 */
export type Leaving = (groups: readonly Group[]) => readonly (readonly Group[])[];

/** The first groups, however many: what keeps D5. */
export const leavePrefixes: Leaving = (groups) =>
  Array.from({ length: groups.length + 1 }, (_, count) => groups.slice(0, count));

/** What a device writes to that makes its changes durable in groups. */
export interface ChangeLog extends Shape {
  /** Contents of a sector now; undefined: zeroes. */
  sector(at: number): Uint8Array | undefined;
  /** Adds a change, which is not durable yet. */
  append(change: LoggedChange): void;
  /** Makes durable what was appended before the call. */
  flush(): Promise<void>;
  /** The device is given up. */
  giveUp(): void;
}

/** Changes in a group, at most. */
export const CHANGES_MAX = 3;

/** A medium that gets its changes in groups, like a log of segments: the simplest one that keeps their order [D5]. */
export class GroupLog implements ChangeLog {
  readonly sectorSize: number;
  readonly leaving: Leaving;
  /** What is durable. */
  readonly #stored: LogContents;
  /** What reads find. */
  readonly #now: LogContents;
  /** Sealed, and on their way. The oldest first. */
  #groups: Group[] = [];
  #open: LoggedChange[] = [];
  #sealed = 0;
  #durable = 0;

  constructor(shape: Shape, leaving: Leaving = leavePrefixes) {
    this.sectorSize = shape.sectorSize;
    this.leaving = leaving;
    this.#stored = new LogContents(shape.sizeSectors);
    this.#now = new LogContents(shape.sizeSectors);
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

  /** Makes durable what was appended before the call, a group in a macrotask. */
  async flush(): Promise<void> {
    this.#seal();
    const last = this.#sealed;
    while (this.#durable < last) {
      await macrotasks(1);
      if (this.#durable < last) this.#store(this.#groups.splice(0, 1));
    }
  }

  /** What a crash now may leave, each as a medium of its own. */
  crashStates(): GroupLog[] {
    return this.leaving(this.#groups).map((groups) => {
      const left = new GroupLog(this, this.leaving);
      for (const contents of [left.#stored, left.#now]) {
        contents.become(this.#stored);
        contents.apply(groups.flat());
      }
      return left;
    });
  }

  /** What is left is durable. */
  giveUp(): void {
    this.#store(this.leaving(this.#groups).at(-1) ?? []);
    this.#now.become(this.#stored);
    this.#groups = [];
    this.#open = [];
    this.#durable = this.#sealed;
  }

  #seal(): void {
    if (this.#open.length === 0) return;
    this.#groups.push(this.#open);
    this.#open = [];
    this.#sealed++;
  }

  #store(groups: readonly Group[]): void {
    this.#stored.apply(groups.flat());
    this.#durable += groups.length;
  }
}

/** Sectors that are not zeroes, and how many there are in all. */
export class LogContents implements Omit<CrashState, 'sectorSize'> {
  sizeSectors: number;
  readonly sectors = new Map<number, Uint8Array>();

  constructor(sizeSectors: number) {
    this.sizeSectors = sizeSectors;
  }

  become({ sizeSectors, sectors }: LogContents): void {
    this.sizeSectors = sizeSectors;
    this.sectors.clear();
    for (const [at, bytes] of sectors) this.sectors.set(at, bytes);
  }

  /** What lies past the end, where the growth before it was lost, is dropped. */
  apply(changes: readonly LoggedChange[]): void {
    for (const change of changes) {
      if (change.type === 'write') {
        for (const [i, bytes] of change.sectors.entries()) this.sectors.set(change.start + i, bytes);
      } else if (change.type === 'zero') {
        this.#forget(change.start, change.start + change.count);
      } else {
        this.sizeSectors = change.sizeSectors;
      }
      this.#forget(this.sizeSectors, Number.POSITIVE_INFINITY);
    }
  }

  #forget(from: number, to: number): void {
    for (const at of this.sectors.keys()) if (at >= from && at < to) this.sectors.delete(at);
  }
}

/** A device on such a medium. Opening it again on the same one finds what is left. */
export function createGroupLogDevice(log: ChangeLog, options: { readonly readOnly?: boolean } = {}): BlockDevice {
  const { sectorSize } = log;
  const zero = (start: number, count: number) => log.append({ type: 'zero', start, count });
  const driver: BlockDriver = {
    name: 'group log',
    sectorSize,
    sizeSectors: log.sizeSectors,
    readOnly: options.readOnly ?? false,
    read(start, buffers) {
      for (const [i, view] of sectorViews(buffers, sectorSize).entries()) {
        const bytes = log.sector(start + i);
        if (bytes === undefined) view.fill(0);
        else view.set(bytes);
      }
    },
    write(start, buffers) {
      const sectors = sectorViews(buffers, sectorSize).map((view) => new Uint8Array(view));
      log.append({ type: 'write', start, sectors });
    },
    flush: () => log.flush(),
    resize: (sizeSectors) => log.append({ type: 'resize', sizeSectors }),
    discard: zero,
    writeZeroes: zero,
    disconnect({ force = false }) {
      if (force) log.giveUp();
    },
  };
  return createDevice(driver);
}
