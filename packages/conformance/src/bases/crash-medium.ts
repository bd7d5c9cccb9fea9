import type { SectorRange } from '@blockyard/block';
import type { Shape } from './shape.js';

/** What a device was asked to do, and how it ended. Ids tie the two together. Later events happened later. */
export type MediumEvent =
  | { readonly type: 'write'; readonly id: number; readonly start: number; readonly sectors: readonly Uint8Array[] }
  | { readonly type: 'zero'; readonly id: number; readonly start: number; readonly count: number }
  | { readonly type: 'resize'; readonly id: number; readonly sizeSectors: number }
  | { readonly type: 'flush'; readonly id: number; readonly range?: SectorRange | undefined }
  | { readonly type: 'accepted'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number };

/** Like `Omit`, for each member of a union. */
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** What a device is asked to do, before it has an id. */
export type MediumChange = WithoutId<Exclude<MediumEvent, { type: 'accepted' | 'failed' }>>;

/** Contents of one sector; undefined: zeroes. */
export type Contents = Uint8Array | undefined;

/** A change of the medium. */
interface Change {
  /** Infinity until it is. */
  acceptedAt: number;
}

interface Version {
  readonly contents: Contents;
  readonly change: Change;
}

/**
 * A sparse medium that knows what a crash may leave of it [D4]: each sector's durable contents, and those of every later write,
 * in any combination. Durable is what was accepted before the last flush that succeeded was called [D1].
 *
 * Overlapping changes must be recorded one after the other, as the medium carries them out.
 */
export class CrashMedium {
  readonly sectorSize: number;
  /** Per sector that was ever written: what may be there after a crash, durable first, oldest first. */
  readonly #versions = new Map<number, readonly Version[]>();
  readonly #ending = new Map<number, () => void>();
  readonly #original: Change = { acceptedAt: 0 };
  #sizes: readonly { readonly sizeSectors: number; readonly change: Change }[];
  #clock = 0;

  /** @param contents of the sectors that are not zeroes, all durable */
  constructor({ sectorSize, sizeSectors }: Shape, contents: ReadonlyMap<number, Uint8Array> = new Map()) {
    this.sectorSize = sectorSize;
    this.#sizes = [{ sizeSectors, change: this.#original }];
    for (const [sector, bytes] of contents) {
      this.#versions.set(sector, [{ contents: bytes, change: this.#original }]);
    }
  }

  /** Takes note of the next event. */
  record(event: MediumEvent): void {
    this.#clock++;
    switch (event.type) {
      case 'write':
        this.#change(event.id, (change) => {
          for (const [i, contents] of event.sectors.entries()) this.#append(event.start + i, { contents, change });
        });
        break;
      case 'zero':
        this.#change(event.id, (change) => this.#zero(event.start, event.start + event.count, change));
        break;
      case 'resize':
        this.#change(event.id, (change) => {
          this.#zero(event.sizeSectors, Number.POSITIVE_INFINITY, change);
          this.#sizes = [...this.#sizes, { sizeSectors: event.sizeSectors, change }];
        });
        break;
      case 'flush':
        this.#flush(event.id, event.range);
        break;
      case 'accepted':
        this.#ending.get(event.id)?.();
        this.#ending.delete(event.id);
        break;
      case 'failed':
        // What it was may be there or not; nothing tells.
        this.#ending.delete(event.id);
    }
  }

  /** A flush failed as `fsync` does: what is not durable by now never will be, unless it is written again. */
  lose(): void {
    for (const versions of this.#versions.values()) {
      for (const { change } of versions.slice(1)) change.acceptedAt = Number.POSITIVE_INFINITY;
    }
  }

  /** What the sector reads as now. */
  current(sector: number): Contents {
    const versions = this.#versions.get(sector) ?? [];
    return versions[lastAcceptedBefore(versions, Number.POSITIVE_INFINITY)]?.contents;
  }

  /** Everything that the sector may hold after a crash now, what is durable first. */
  afterCrash(sector: number): readonly Contents[] {
    return this.#versions.get(sector)?.map(({ contents }) => contents) ?? [undefined];
  }

  /** Sizes that the medium may have after a crash now, the durable one first. */
  sizesAfterCrash(): readonly number[] {
    return this.#sizes.map(({ sizeSectors }) => sizeSectors);
  }

  /** The sectors that may hold anything but zeroes, or did. */
  touched(): readonly number[] {
    return [...this.#versions.keys()];
  }

  #change(id: number, apply: (change: Change) => void): void {
    const change: Change = { acceptedAt: Number.POSITIVE_INFINITY };
    apply(change);
    this.#ending.set(id, () => {
      change.acceptedAt = this.#clock;
    });
  }

  #flush(id: number, range: SectorRange | undefined): void {
    const begunAt = this.#clock;
    this.#ending.set(id, () => {
      for (const [sector, versions] of this.#versions) {
        if (range !== undefined && (sector < range.start || sector >= range.start + range.count)) continue;
        this.#versions.set(sector, sinceDurable(versions, begunAt));
      }
      if (range === undefined) this.#sizes = sinceDurable(this.#sizes, begunAt);
    });
  }

  #zero(start: number, end: number, change: Change): void {
    for (const sector of this.#versions.keys()) {
      if (sector >= start && sector < end) this.#append(sector, { contents: undefined, change });
    }
  }

  #append(sector: number, version: Version): void {
    const versions = this.#versions.get(sector) ?? [{ contents: undefined, change: this.#original }];
    this.#versions.set(sector, [...versions, version]);
  }
}

/** The medium after the first `length` events of a log. */
export function replay(
  shape: Shape,
  log: readonly MediumEvent[],
  length = log.length,
  contents?: ReadonlyMap<number, Uint8Array>,
): CrashMedium {
  const medium = new CrashMedium(shape, contents);
  for (const event of log.slice(0, length)) medium.record(event);
  return medium;
}

/** The last one that was accepted before then, and all after it. */
function sinceDurable<T extends { readonly change: Change }>(versions: readonly T[], before: number): readonly T[] {
  return versions.slice(Math.max(0, lastAcceptedBefore(versions, before)));
}

/** Index of the last one that was accepted before then, or -1. */
function lastAcceptedBefore(versions: readonly { readonly change: Change }[], before: number): number {
  let i = versions.length - 1;
  while (i >= 0 && (versions[i]?.change.acceptedAt ?? 0) >= before) i--;
  return i;
}
