import { AssertionError } from '../assertions/assertion-error.js';
import { type Entry, type Sector, unique } from './sector.js';
import { describeWriter, type Writer } from './stamp.js';

/** One sector under a read in flight. */
interface SectorRead {
  readonly sector: Sector;
  /** As it was when the read was called. */
  readonly now: readonly Entry[];
  readonly barrierAt: number;
  /** Writes that were in flight with the read at some time. */
  readonly disturbers: Writer[];
}

/** A read in flight: collects what it may return. */
export class Reading {
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
