import { AssertionError } from '../assertions/assertion-error.js';
import type { Change } from './change.js';
import { type Floor, Prefixes, PrefixViolation } from './prefixes.js';
import type { Entry } from './sector.js';
import { type Place, type PlacedChange, Seen } from './seen.js';
import { type TORN, type Writer, ZEROES } from './stamp.js';

/** A size that the device had or may get. */
export interface Size extends Change {
  readonly sizeSectors: number;
}

/** What the one that began the watch is told. */
export interface WatchParts {
  /** The moment that it is. */
  readonly now: () => number;
  /** What was seen is stored: no crash goes back behind it. */
  readonly onSeen: (floor: Floor, changes: readonly PlacedChange[]) => void;
}

/**
 * What another process may see of a device that keeps the order of its writes [D5], while it is written: each time the result of
 * a prefix, at least as long as the last flush before the watch began, and never a shorter one than it has seen. A crash of the
 * writer changes nothing about that.
 */
export class Watch {
  readonly #parts: WatchParts;
  readonly #sectors = new Map<number, Entry[]>();
  readonly #seen = new Seen();
  #sizes: Size[];
  #floor: Floor;

  constructor(parts: WatchParts, floor: Floor, sizes: readonly Size[]) {
    this.#parts = parts;
    this.#floor = floor;
    this.#sizes = [...sizes];
  }

  /**
   * It was seen like this. Throws if the device never was.
   *
   * @param writers of its first sectors
   * @param sizeSectors where what was seen has the size of that moment
   */
  saw(writers: readonly (Writer | typeof TORN)[], sizeSectors?: number): void {
    const found = this.#prefixes().earliest(writers, sizeSectors);
    if (found instanceof PrefixViolation) {
      throw new AssertionError({ message: `${found.clauses}: seen by another process, ${found.what}` });
    }
    // Moments are whole numbers. From right after this one, all that was seen counts as accepted.
    const at = Math.floor(found);
    const by = this.#parts.now();
    const changes = this.#changesOf(writers, sizeSectors);
    for (const change of changes) this.#seen.add(change, { at, by });
    this.#floor = { at: at + 0.5, because: 'another process had seen what was there then' };
    this.#parts.onSeen(this.#floor, changes);
  }

  /** A change of a sector is called, or was when the watch began. */
  add(sector: number, entry: Entry): void {
    const entries = this.#sectors.get(sector);
    if (entries === undefined) this.#sectors.set(sector, [entry]);
    else entries.push(entry);
  }

  /** A change of the size, in the order of the writes. */
  addSize(size: Size): void {
    this.#sizes.push(size);
  }

  /** A resize has failed, and left everything. */
  remove(size: Size, zeroes: Entry): void {
    this.#sizes = this.#sizes.filter((each) => each !== size);
    for (const [sector, entries] of this.#sectors) {
      const others = entries.filter((each) => each !== zeroes);
      this.#sectors.set(sector, others);
    }
  }

  /** The device was opened again: what was in flight is over. */
  startAgain(at: number): void {
    const ended = <C extends Change>(place: Place, change: C): C => {
      if (change.settledAt < at) return change;
      const over = { ...change, settledAt: at };
      this.#seen.move(place, change, over);
      return over;
    };
    this.#sizes = this.#sizes.map((size) => ended('size', size));
    for (const [sector, entries] of this.#sectors) {
      const over = entries.map((entry) => ended(sector, entry));
      this.#sectors.set(sector, over);
    }
  }

  #prefixes(): Prefixes {
    const seen = this.#seen;
    const sizes = this.#sizes.map((size) => ({ held: size.sizeSectors, change: seen.accepted('size', size) }));
    const sectors = [...this.#sectors].map(([at, entries]) => {
      return [at, entries.map((entry) => ({ held: entry.writer, change: seen.accepted(at, entry) }))] as const;
    });
    return new Prefixes(sizes, new Map(sectors), this.#floor);
  }

  /** The changes that were seen, as far as what was seen tells which they are. */
  #changesOf(writers: readonly Writer[], sizeSectors: number | undefined): PlacedChange[] {
    const [size, ...sizes] = this.#sizes.filter((each) => each.sizeSectors === sizeSectors);
    const changes: PlacedChange[] = size !== undefined && sizes.length === 0 ? [['size', size]] : [];
    for (const [sector, writer] of writers.entries()) {
      const [first, ...others] = (this.#sectors.get(sector) ?? []).filter((entry) => entry.writer === writer);
      // What a crash has left is told of again. Of several zeroes it may be any.
      if (first !== undefined && (writer !== ZEROES || others.length === 0)) changes.push([sector, first]);
    }
    return changes;
  }
}
