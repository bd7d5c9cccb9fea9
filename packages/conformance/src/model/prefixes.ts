import { AssertionError } from '../assertions/assertion-error.js';
import type { Change } from './change.js';
import { describeWriter, type TORN, type Writer, ZEROES } from './stamp.js';

/** A state that is no prefix. */
export class PrefixViolation extends AssertionError {
  /** What it breaks: `D5`, or where a place by itself cannot be as it is, `D1, D4`. */
  readonly clauses: string;
  /** Without when that was. */
  readonly what: string;

  constructor(clauses: string, what: string) {
    super({ message: `after a crash ${what}` });
    this.clauses = clauses;
    this.what = what;
  }
}

/** Something that a place (a sector, or the size of the device) may hold after a crash. */
export interface Version {
  /** A writer, or a number of sectors. */
  readonly held: number;
  readonly change: Change;
}

/** The moment that nothing goes back behind, and why. */
export interface Floor {
  readonly at: number;
  /** `a flush was called that succeeded`. */
  readonly because: string;
}

/** The moments at which a place may have held a version: from its submission until something later was accepted. */
interface Period {
  readonly from: number;
  readonly change: Change;
  readonly until: number;
  /** What was accepted then; undefined: nothing, so far. */
  readonly over: Change | undefined;
}

/** Moments at which a place cannot have held what it holds: those after the one and before the other. */
interface Gap {
  readonly found: string;
  readonly after: number;
  readonly missing: Change | undefined;
  readonly before: number;
  readonly next: Change | undefined;
}

const FOR_EVER = Number.POSITIVE_INFINITY;

/**
 * What a crash may leave of a device that keeps the order of its writes [D5], as of one moment; and what another process may
 * see of it.
 *
 * A state is the result of a prefix of the writes exactly if there is one moment, no earlier than the last flush, at which
 * each place may have held what was found there: the change that put it there had been submitted, and nothing that was submitted
 * after that one had settled had been accepted. (What had been accepted by then is in the prefix; what was in flight may be,
 * sector by sector. An order that fits exists, because precedence in time is an interval order.) Each place has its periods;
 * the gaps between them, sorted, are passed in one go. So a look takes n log n of the changes that are not durable.
 */
export class Prefixes {
  readonly #sizes: ReadonlyMap<number, readonly Period[]>;
  readonly #sectors: ReadonlyMap<number, ReadonlyMap<Writer, readonly Period[]>>;
  readonly #floor: Floor;

  /**
   * @param sizes all that a crash may leave
   * @param sectors all that a crash may leave in each that may hold anything but zeroes
   */
  constructor(sizes: readonly Version[], sectors: ReadonlyMap<number, readonly Version[]>, floor: Floor) {
    this.#sizes = periodsOf(sizes);
    this.#sectors = new Map([...sectors].map(([sector, versions]) => [sector, periodsOf(versions)]));
    this.#floor = floor;
  }

  /**
   * What is wrong with a state that a crash has left, or undefined. It names two writes that contradict each other.
   *
   * @param writers of each sector of the device
   */
  violation(writers: readonly (Writer | typeof TORN)[]): PrefixViolation | undefined {
    const found = this.earliest(writers, writers.length);
    return found instanceof PrefixViolation ? found : undefined;
  }

  /**
   * The first moment at which the device may have held these, or what is wrong with them.
   *
   * @param writers of the first sectors of the device
   * @param sizeSectors of the device, where that is known
   */
  earliest(writers: readonly (Writer | typeof TORN)[], sizeSectors?: number): number | PrefixViolation {
    const gaps: Gap[] = [];
    if (sizeSectors !== undefined) {
      const found = `the device has ${sizeSectors} sectors`;
      const sizes = this.#sizes.get(sizeSectors);
      if (sizes === undefined) return unknown(found, [...this.#sizes.keys()]);
      gaps.push(...gapsOf(found, sizes));
    }
    for (const [sector, writer] of writers.entries()) {
      const known = this.#sectors.get(sector) ?? UNTOUCHED;
      const periods = known.get(writer);
      const found = `sector ${sector} reads as ${describeWriter(writer)}`;
      if (periods === undefined) return unknown(found, [...known.keys()].map(describeWriter));
      gaps.push(...gapsOf(found, periods));
    }
    return earliestOutside(gaps, this.#floor);
  }
}

const UNTOUCHED: ReadonlyMap<Writer, readonly Period[]> = new Map([[ZEROES, []]]);

function unknown(found: string, allowed: readonly (string | number)[]): PrefixViolation {
  return new PrefixViolation('D1, D4', `${found}, but may only be ${allowed.join(' or ')}`);
}

/** Passes the gaps from the earliest on: a moment within one is moved to its end. */
function earliestOutside(gaps: Gap[], floor: Floor): number | PrefixViolation {
  gaps.sort((a, b) => a.after - b.after);
  let { at, because } = floor;
  for (const { found, after, missing, before, next } of gaps) {
    if (after >= at) return at;
    if (before <= at) continue;
    if (next === undefined) {
      return new PrefixViolation('D5', `${found}, without ${missing?.name}, which was accepted before ${because}`);
    }
    at = before;
    because = `${next.name} was submitted, and ${found}`;
  }
  return at;
}

function gapsOf(found: string, periods: readonly Period[]): Gap[] {
  if (periods.length === 0) return [];
  const gaps: Gap[] = [];
  let until = Number.NEGATIVE_INFINITY;
  let over: Change | undefined;
  for (const period of periods) {
    if (period.from > until) {
      gaps.push({ found, after: until, missing: over, before: period.from, next: period.change });
    }
    if (period.until <= until) continue;
    until = period.until;
    over = period.over;
  }
  if (until < FOR_EVER) gaps.push({ found, after: until, missing: over, before: FOR_EVER, next: undefined });
  return gaps;
}

/** By what is held, in the order in which they begin. */
function periodsOf(versions: readonly Version[]): ReadonlyMap<number, readonly Period[]> {
  const ordered = [...versions].sort((a, b) => a.change.begunAt - b.change.begunAt);
  const firstAccepted = firstAcceptedFrom(ordered);
  const periods = new Map<number, Period[]>();
  for (const { held, change } of ordered) {
    const over = change.mayComeLate ? undefined : firstAccepted[indexAfter(ordered, change.settledAt)];
    const period = { from: change.begunAt, change, until: over?.acceptedAt ?? FOR_EVER, over };
    const others = periods.get(held);
    if (others === undefined) periods.set(held, [period]);
    else others.push(period);
  }
  return periods;
}

/** For each index, which of the versions from there on was accepted first. */
function firstAcceptedFrom(ordered: readonly Version[]): (Change | undefined)[] {
  const first = new Array<Change | undefined>(ordered.length);
  let earliest: Change | undefined;
  for (let i = ordered.length - 1; i >= 0; i--) {
    const change = ordered[i]?.change;
    if ((change?.acceptedAt ?? FOR_EVER) < (earliest?.acceptedAt ?? FOR_EVER)) earliest = change;
    first[i] = earliest;
  }
  return first;
}

/** Index of the first version that was submitted after then. */
function indexAfter(ordered: readonly Version[], at: number): number {
  let [from, to] = [0, ordered.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ordered[middle]?.change.begunAt ?? 0) > at) to = middle;
    else from = middle + 1;
  }
  return from;
}
