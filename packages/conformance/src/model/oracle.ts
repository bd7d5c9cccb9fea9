import { AssertionError } from 'node:assert';
import type { SectorRange } from '@blockyard/block';
import { describeWriter, type Writer, ZEROES } from './stamp.js';

/** One content that a sector got or may get, of one write. */
interface Entry {
  readonly writer: Writer;
  readonly begunAt: number;
  /** Infinity while in flight. */
  settledAt: number;
}

interface Sector {
  /** What the sector may hold, as far as settled writes go. Replaced, never changed, so that it can be kept as a snapshot. */
  now: readonly Entry[];
  /** Writes that may take place at any moment. */
  readonly inFlight: Set<Entry>;
  /** What a crash may leave [D4]: what may be durable, then everything that came later. */
  crash: readonly Entry[];
  /** When the last flush that succeeded was called: what was settled by then is durable. */
  durableAt: number;
  /** Writes that began earlier no longer say anything: a resize or a crash came between [S1]. */
  barrierAt: number;
}

/** A size that the device had or may get. */
interface Size {
  readonly sizeSectors: number;
  settledAt: number;
}

/** One sector under a read in flight. */
interface SectorRead {
  readonly sector: Sector;
  /** As it was when the read was called. */
  readonly now: readonly Entry[];
  readonly barrierAt: number;
  /** Writes that were in flight with the read at some time. */
  readonly disturbers: Writer[];
}

/** An operation in flight. Exactly one of the methods is called, once, when it settles. */
export interface Pending {
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
  failed(): void;
}

/**
 * Knows, per sector, which contents a read may return now [O1, O3] and which a crash may leave [D1, D4], from nothing but the
 * calls and their results. It is told of each operation when it is called and when it settles, in that order of events, also of
 * many at once.
 */
export class Oracle {
  readonly #sectors = new Map<number, Sector>();
  readonly #reads = new Set<Read>();
  #clock = 0;
  #writers = 0;
  /** The size that operations called now will find. */
  #sizeSectors: number;
  #sizes: readonly Size[];

  /** A device of `sizeSectors` durable zeroes. */
  constructor(sizeSectors: number) {
    this.#sizeSectors = sizeSectors;
    this.#sizes = [{ sizeSectors, settledAt: 0 }];
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

  /** The sectors that any operation was about; all others are zeroes. */
  touched(): readonly number[] {
    return [...this.#sectors.keys()];
  }

  /** A write of `count` sectors is called. */
  beginWrite(start: number, count: number): PendingWrite {
    this.#writers++;
    return this.#beginWrite(start, count, this.#writers);
  }

  /** A discard or writeZeroes is called. */
  beginZero(start: number, count: number): PendingWrite {
    return this.#beginWrite(start, count, ZEROES);
  }

  /** A read or extents is called. */
  beginRead(start: number, count: number): PendingRead {
    const sectors = Array.from({ length: count }, (_, i) => this.#sector(start + i));
    const read = new Read(start, sectors);
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
    return {
      succeeded: () => {
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
    const size: Size = { sizeSectors, settledAt: Number.POSITIVE_INFINITY };
    const zeroes: Entry = { writer: ZEROES, begunAt, settledAt: Number.POSITIVE_INFINITY };
    const dropped = [...this.#sectors].filter(([at]) => at >= sizeSectors).map(([, sector]) => sector);
    const undo = dropped.map((sector) => ({ sector, ...sector }));
    for (const sector of dropped) {
      sector.now = [zeroes];
      sector.inFlight.clear();
      sector.crash = [...sector.crash, zeroes];
      sector.barrierAt = begunAt;
    }
    this.#sizeSectors = sizeSectors;
    this.#sizes = [...this.#sizes, size];
    return {
      succeeded: () => {
        zeroes.settledAt = this.#tick();
        size.settledAt = zeroes.settledAt;
      },
      failed: (mayComeLate = false) => {
        zeroes.settledAt = this.#tick();
        size.settledAt = zeroes.settledAt;
        const late = mayComeLate ? [zeroes] : [];
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
   */
  crashed(sizeSectors: number): void {
    this.#startAgain(sizeSectors, true);
  }

  /**
   * As `crashed`, but the medium lived on: the device was given up, and what is found on it need not be durable. Throws
   * likewise.
   */
  givenUp(sizeSectors: number): void {
    this.#startAgain(sizeSectors, false);
  }

  #startAgain(sizeSectors: number, isDurable: boolean): void {
    const sizes = this.sizesAfterCrash();
    if (!sizes.includes(sizeSectors)) {
      throw new AssertionError({
        message: `after the crash the device has ${sizeSectors} sectors, but may have ${sizes.join(' or ')}`,
      });
    }
    const at = this.#tick();
    for (const [position, sector] of this.#sectors) {
      const left = unique(sector.crash).map((writer) => ({ writer, begunAt: at, settledAt: at }));
      const zeroes: Entry = { writer: ZEROES, begunAt: at, settledAt: at };
      sector.now = position < sizeSectors ? left : [zeroes];
      sector.crash = isDurable ? sector.now : [...left, zeroes];
      if (isDurable) sector.durableAt = at;
      sector.inFlight.clear();
      sector.barrierAt = at;
    }
    this.#reads.clear();
    this.#sizeSectors = sizeSectors;
    const others = isDurable ? [] : sizes.filter((size) => size !== sizeSectors);
    this.#sizes = [...others, sizeSectors].map((size) => ({ sizeSectors: size, settledAt: at }));
  }

  #beginWrite(start: number, count: number, writer: Writer): PendingWrite {
    const entry: Entry = { writer, begunAt: this.#tick(), settledAt: Number.POSITIVE_INFINITY };
    const sectors = Array.from({ length: count }, (_, i) => this.#sector(start + i));
    for (const sector of sectors) {
      sector.inFlight.add(entry);
      sector.crash = [...sector.crash, entry];
    }
    for (const read of this.#reads) read.disturb(start, count, writer);
    const settle = (survives: (other: Entry) => boolean) => {
      entry.settledAt = this.#tick();
      for (const sector of sectors) {
        sector.inFlight.delete(entry);
        if (sector.barrierAt < entry.begunAt) sector.now = [...sector.now.filter(survives), entry];
      }
    };
    return {
      writer,
      // What had settled before this write began was overwritten [O1]; what was in flight with it may have come last [O3].
      succeeded: () => settle((other) => other.settledAt > entry.begunAt),
      failed: () => settle(() => true),
    };
  }

  #sector(at: number): Sector {
    let sector = this.#sectors.get(at);
    if (sector === undefined) {
      const zeroes: Entry = { writer: ZEROES, begunAt: 0, settledAt: 0 };
      sector = { now: [zeroes], inFlight: new Set(), crash: [zeroes], durableAt: 0, barrierAt: 0 };
      this.#sectors.set(at, sector);
    }
    return sector;
  }

  #tick(): number {
    this.#clock++;
    return this.#clock;
  }
}

/** A read in flight: collects what it may return. */
class Read {
  readonly #start: number;
  readonly #sectors: readonly SectorRead[];

  constructor(start: number, sectors: readonly Sector[]) {
    this.#start = start;
    this.#sectors = sectors.map((sector) => ({
      sector,
      now: sector.now,
      barrierAt: sector.barrierAt,
      disturbers: [...sector.inFlight].map(({ writer }) => writer),
    }));
  }

  /** A write is called while the read is in flight. */
  disturb(start: number, count: number, writer: Writer): void {
    const from = Math.max(start, this.#start);
    const to = Math.min(start + count, this.#start + this.#sectors.length);
    for (let at = from; at < to; at++) this.#sectors[at - this.#start]?.disturbers.push(writer);
  }

  settle(writers: readonly (Writer | undefined)[]): void {
    for (const [i, { sector, now, barrierAt, disturbers }] of this.#sectors.entries()) {
      const writer = writers[i];
      if (writer === undefined) continue;
      // Alone, the read saw what the sector holds. A resize called after it comes after it [S1], and does not matter.
      const alone = disturbers.length === 0 && sector.barrierAt === barrierAt;
      const allowed = alone ? unique(sector.now) : [...new Set([...unique(now), ...disturbers])];
      if (!allowed.includes(writer)) throw violation(this.#start + i, writer, allowed);
      if (alone) pin(sector, writer);
    }
  }
}

/** Nothing disturbed a read that saw this: the sector holds it, and no other of the contents that it might have held. */
function pin(sector: Sector, writer: Writer): void {
  const before = sector.now;
  sector.now = before.filter((entry) => entry.writer === writer);
  // Nothing is newer than what is durable, so what is read and what is durable are one.
  const flushed = sector.crash.every((entry) => before.includes(entry) && entry.settledAt <= sector.durableAt);
  if (flushed) sector.crash = sector.now;
}

function violation(sector: number, writer: Writer, allowed: readonly Writer[]): AssertionError {
  const expected = allowed.map(describeWriter).join(' or ');
  return new AssertionError({
    message: `sector ${sector} reads as ${describeWriter(writer)}, but may only read as ${expected}`,
    actual: writer,
    expected: allowed,
  });
}

function unique(entries: readonly Entry[]): Writer[] {
  return [...new Set(entries.map(({ writer }) => writer))];
}

function contains(range: SectorRange, sector: number): boolean {
  return sector >= range.start && sector < range.start + range.count;
}
