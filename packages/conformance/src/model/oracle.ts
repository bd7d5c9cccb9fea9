import type { SectorRange } from '@blockyard/block';
import { AssertionError } from '../assertions/assertion-error.js';
import { accept, beginChange, type Change, nameOf, pastChange } from './change.js';
import { type Floor, Prefixes } from './prefixes.js';
import { Reading } from './reading.js';
import { type Entry, type Sector, unique } from './sector.js';
import { type PlacedChange, Seen } from './seen.js';
import { describeWriter, type Writer, ZEROES } from './stamp.js';
import { type Size, Watch } from './watch.js';

/** An operation in flight. Exactly one of the methods is called, once, when it settles. */
export interface Pending {
  /** It was done. */
  succeeded(): void;
  /** A write that failed left each sector old or new [D2], a resize left everything [S4], a flush claims nothing [D3]. */
  failed(): void;
}

/** A resize in flight. */
export interface PendingResize extends Pending {
  /** `mayComeLate`: no one knows whether it took place. It does not hold, but a crash before the next flush may leave it. */
  failed(mayComeLate?: boolean): void;
}

/** A write in flight. */
export interface PendingWrite extends Pending {
  /** In whose name to stamp the sectors. */
  readonly writer: Writer;
}

/** A read (or extents) in flight. */
export interface PendingRead {
  /** Throws unless each sector may read as it did; what no write disturbs is known from then on. */
  saw(writers: readonly (Writer | undefined)[]): void;
  /** It tells nothing of what is there. */
  failed(): void;
}

/**
 * Knows, per sector, which contents a read may return now [O1, O3] and which a crash may leave [D1, D4], and of all sectors
 * together which a crash may leave of a device that keeps their order [D5], from nothing but the calls and their results. It is told of each operation when it is called and when it settles, in that order of events, also of
 * many at once.
 */
export class Oracle {
  readonly #sectors = new Map<number, Sector>();
  readonly #reads = new Set<Reading>();
  readonly #watches = new Set<Watch>();
  /** What other processes have seen. */
  readonly #seen = new Seen();
  #clock = 0;
  #writers = 0;
  /** The size that operations called now will find. */
  #sizeSectors: number;
  #sizes: readonly Size[];
  #floor: Floor = { at: 0, because: 'the beginning' };
  readonly #losesFlushed: boolean;

  /**
   * A device of `sizeSectors` durable zeroes.
   *
   * @param options `losesFlushed`: a crash may take away what was flushed, or what an earlier one has left, so that neither
   *   claims anything
   */
  constructor(sizeSectors: number, { losesFlushed = false }: { readonly losesFlushed?: boolean | undefined } = {}) {
    this.#losesFlushed = losesFlushed;
    this.#sizeSectors = sizeSectors;
    this.#sizes = [{ sizeSectors, ...pastChange('the beginning', 0) }];
  }

  /** Size that operations called now will find: resizes still in flight come first [S1]. */
  get sizeSectors(): number {
    return this.#sizeSectors;
  }

  /** Who may have written what a read of the sector, called now and alone, returns. */
  allowedNow(sector: number): readonly Writer[] {
    const { now, inFlight } = this.#sector(sector);
    return unique([...now, ...inFlight]);
  }

  /** Who may have written what the sector holds after a crash now. */
  allowedAfterCrash(sector: number): readonly Writer[] {
    return unique(this.#sector(sector).crash);
  }

  /** Sizes that the device may have after a crash now. */
  sizesAfterCrash(): readonly number[] {
    return [...new Set(this.#sizes.map(({ sizeSectors }) => sizeSectors))];
  }

  /** What a crash now may leave, if the device keeps the order of its writes [D5]. It stays what it is, whatever comes later. */
  prefixes(): Prefixes {
    const seen = this.#seen;
    const sizes = this.#sizes.map((size) => ({ held: size.sizeSectors, change: seen.accepted('size', size) }));
    const sectors = [...this.#sectors].map(([at, { crash }]) => {
      return [at, crash.map((entry) => ({ held: entry.writer, change: seen.accepted(at, entry) }))] as const;
    });
    return new Prefixes(sizes, new Map(sectors), this.#floor);
  }

  /** Begins to follow what another process sees of the device, which keeps the order of its writes. */
  watch(): Watch {
    const now = () => this.#clock;
    const onSeen = (floor: Floor, changes: readonly PlacedChange[]) => {
      if (floor.at > this.#floor.at) this.#floor = floor;
      for (const change of changes) this.#seen.add(change, { at: Math.floor(floor.at), by: now() });
    };
    const watch = new Watch({ now, onSeen }, this.#floor, this.#sizes);
    for (const [at, { crash }] of this.#sectors) for (const entry of crash) watch.add(at, entry);
    this.#watches.add(watch);
    return watch;
  }

  /** Ends a watch. */
  unwatch(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /** The sectors that any operation was about; all others are zeroes. */
  touched(): readonly number[] {
    return [...this.#sectors.keys()];
  }

  /** A write of `count` sectors is called. */
  beginWrite(start: number, count: number): PendingWrite {
    this.#writers++;
    return this.#beginWrite(start, count, this.#writers, `writer ${this.#writers}`);
  }

  /** A discard or writeZeroes is called. */
  beginZero(start: number, count: number): PendingWrite {
    return this.#beginWrite(start, count, ZEROES, 'zeroes');
  }

  /** A read or extents is called. */
  beginRead(start: number, count: number): PendingRead {
    const sectors = Array.from({ length: count }, (_, i) => this.#sector(start + i));
    const read = new Reading(start, sectors);
    this.#reads.add(read);
    return {
      saw: (writers) => {
        this.#reads.delete(read);
        read.settle(writers);
      },
      failed: () => {
        this.#reads.delete(read);
      },
    };
  }

  /** A flush is called, of a range or of everything. */
  beginFlush(range?: SectorRange): Pending {
    const begunAt = this.#tick();
    const size = this.#sizes.filter(({ settledAt }) => settledAt < begunAt).at(-1);
    const held = [...this.#sectors].filter(([at]) => range === undefined || contains(range, at));
    const before = held.map(([, sector]) => ({ sector, now: sector.now }));
    const floor = range === undefined ? { at: begunAt, because: 'a flush was called that succeeded' } : floorOf(before);
    return {
      succeeded: () => {
        if (this.#losesFlushed) return;
        if (floor.at > this.#floor.at) this.#floor = floor;
        for (const { sector, now } of before) {
          // A resize in flight: the flush waits for it, but need not have been called after it.
          if (now.some(({ settledAt }) => settledAt > begunAt)) continue;
          sector.crash = sector.crash.filter((entry) => now.includes(entry) || entry.settledAt > begunAt);
          sector.durableAt = Math.max(sector.durableAt, begunAt);
        }
        if (range !== undefined) return;
        this.#sizes = this.#sizes.filter((each) => each === size || each.settledAt > begunAt);
      },
      failed: () => {},
    };
  }

  /**
   * A resize is called. Whatever is called later comes after it. One that may fail has to be in flight alone: until it settles,
   * no one can tell the size.
   */
  beginResize(sizeSectors: number): PendingResize {
    const begunAt = this.#tick();
    const before = this.#sizeSectors;
    const name = `the resize to ${sizeSectors} sectors`;
    const size: Size = { sizeSectors, ...beginChange(name, begunAt) };
    const zeroes: Entry = { writer: ZEROES, ...beginChange(name, begunAt) };
    const dropped = [...this.#sectors].filter(([at]) => at >= sizeSectors);
    const undo = dropped.map(([, sector]) => ({ sector, ...sector }));
    for (const watch of this.#watches) watch.addSize(size);
    for (const [at, sector] of dropped) {
      for (const watch of this.#watches) watch.add(at, zeroes);
      sector.now = [zeroes];
      sector.inFlight.clear();
      sector.crash = [...sector.crash, zeroes];
      sector.barrierAt = begunAt;
    }
    this.#sizeSectors = sizeSectors;
    this.#sizes = [...this.#sizes, size];
    return {
      succeeded: () => {
        const at = this.#tick();
        for (const change of [zeroes, size]) accept(change, at);
      },
      failed: (mayComeLate = false) => {
        const settledAt = this.#tick();
        for (const change of [zeroes, size]) Object.assign(change, { settledAt, mayComeLate });
        const late = mayComeLate ? [zeroes] : [];
        if (!mayComeLate) for (const watch of this.#watches) watch.remove(size, zeroes);
        for (const { sector, now, crash, barrierAt } of undo) {
          Object.assign(sector, { now, crash: [...crash, ...late], barrierAt });
        }
        this.#sizeSectors = before;
        // The size that holds stands last, as the one that a flush makes durable.
        const others = this.#sizes.filter((each) => each !== size);
        this.#sizes = mayComeLate ? [size, ...others] : others;
      },
    };
  }

  /**
   * The device crashed and was opened again, with `sizeSectors`; whatever was in flight is over. Throws if it may not have that
   * size. What the sectors hold is known once they are read.
   *
   * @param found what they hold, where that is known already
   */
  crashed(sizeSectors: number, found?: readonly Writer[] | undefined): void {
    this.#startAgain(sizeSectors, !this.#losesFlushed, found);
  }

  /**
   * As `crashed`, but the medium lived on: the device was given up, and what is found on it need not be durable. Throws
   * likewise.
   */
  givenUp(sizeSectors: number, found?: readonly Writer[] | undefined): void {
    this.#startAgain(sizeSectors, false, found);
  }

  #startAgain(sizeSectors: number, isDurable: boolean, found?: readonly Writer[]): void {
    const sizes = this.sizesAfterCrash();
    if (!sizes.includes(sizeSectors)) {
      throw new AssertionError({
        message: `after the crash the device has ${sizeSectors} sectors, but may have ${sizes.join(' or ')}`,
      });
    }
    const at = this.#tick();
    for (const watch of this.#watches) watch.startAgain(at);
    const past = (writer: Writer): Entry => ({ writer, ...pastChange(`${describeWriter(writer)}, found before`, at) });
    for (const [position, sector] of this.#sectors) {
      const left = unique(sector.crash).map(past);
      const zeroes = past(ZEROES);
      const writer = found?.[position];
      const there = writer === undefined ? left : left.filter((entry) => entry.writer === writer);
      sector.now = position < sizeSectors ? there : [zeroes];
      for (const watch of this.#watches) for (const entry of sector.now) watch.add(position, entry);
      sector.crash = isDurable ? sector.now : [...left, zeroes];
      if (isDurable) sector.durableAt = at;
      sector.inFlight.clear();
      sector.barrierAt = at;
    }
    this.#reads.clear();
    this.#seen.clear();
    this.#sizeSectors = sizeSectors;
    const others = isDurable ? [] : sizes.filter((size) => size !== sizeSectors);
    this.#sizes = [...others, sizeSectors].map((size) => ({
      sizeSectors: size,
      ...pastChange(`the size of ${size} sectors, found before`, at),
    }));
    const last = this.#sizes.at(-1);
    if (last !== undefined) for (const watch of this.#watches) watch.addSize(last);
  }

  #beginWrite(start: number, count: number, writer: Writer, what: string): PendingWrite {
    const entry: Entry = { writer, ...beginChange(nameOf(what, start, count), this.#tick()) };
    const sectors = Array.from({ length: count }, (_, i) => this.#sector(start + i));
    sectors.forEach((sector, i) => {
      sector.inFlight.add(entry);
      sector.crash = [...sector.crash, entry];
      for (const watch of this.#watches) watch.add(start + i, entry);
    });
    for (const read of this.#reads) read.disturb(start, count, writer);
    const settled = (survives: (other: Entry) => boolean) => {
      for (const sector of sectors) {
        sector.inFlight.delete(entry);
        if (sector.barrierAt < entry.begunAt) sector.now = [...sector.now.filter(survives), entry];
      }
    };
    return {
      writer,
      succeeded: () => {
        accept(entry, this.#tick());
        // What had settled before this write began was overwritten [O1]; what was in flight with it may have come last [O3].
        settled((other) => other.settledAt > entry.begunAt);
      },
      failed: () => {
        entry.settledAt = this.#tick();
        settled(() => true);
      },
    };
  }

  #sector(at: number): Sector {
    let sector = this.#sectors.get(at);
    if (sector === undefined) {
      const zeroes: Entry = { writer: ZEROES, ...pastChange('the beginning', 0) };
      sector = { now: [zeroes], inFlight: new Set(), crash: [zeroes], durableAt: 0, barrierAt: 0 };
      this.#sectors.set(at, sector);
      for (const watch of this.#watches) watch.add(at, zeroes);
    }
    return sector;
  }

  #tick(): number {
    this.#clock++;
    return this.#clock;
  }
}

/** What a flush of these sectors makes durable: a crash does not go back behind the submission of any of it. */
function floorOf(flushed: readonly { readonly now: readonly Entry[] }[]): Floor {
  let last: Change = pastChange('the beginning', 0);
  for (const { now } of flushed) {
    for (const entry of now) {
      if (entry.acceptedAt < Number.POSITIVE_INFINITY && entry.begunAt > last.begunAt) last = entry;
    }
  }
  return { at: last.begunAt, because: `${last.name} was submitted, which a flush made durable` };
}

function contains(range: SectorRange, sector: number): boolean {
  return sector >= range.start && sector < range.start + range.count;
}
