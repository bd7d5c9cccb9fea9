import { ok, strictEqual } from 'node:assert';
import type { SectorRange } from '@blockyard/block';
import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { Oracle, type Pending } from './oracle.js';
import type { Writer } from './stamp.js';

/** What a random history consists of. Numbers are wishes, made to fit. */
interface Wish {
  readonly kind: 'write' | 'zero' | 'flush' | 'flushRange' | 'resize' | 'settle' | 'fail';
  readonly a: number;
  readonly b: number;
}

const SECTORS = 3;
const CHANGES_MAX = 5;

/** A change of one sector, or of the size: what the order of D5 is an order of. */
interface Part {
  readonly place: number | 'size';
  readonly value: number;
  readonly change: Told;
}

interface Told {
  readonly isResize: boolean;
  readonly begunAt: number;
  settledAt: number;
  isAccepted: boolean;
}

interface ToldFlush {
  readonly begunAt: number;
  readonly range: SectorRange | undefined;
  isDone: boolean;
}

/** Tells an oracle a history, and writes it down beside it. */
class History {
  readonly oracle = new Oracle(SECTORS);
  readonly parts: Part[] = [];
  readonly flushes: ToldFlush[] = [];
  #clock = 0;
  #changes = 0;
  #inFlight: { readonly told: Told | undefined; settle(isAccepted: boolean): void }[] = [];

  /** @param resizesAlone whether nothing is in flight beside a resize */
  tell({ kind, a, b }: Wish, resizesAlone: boolean): void {
    const { oracle } = this;
    const start = a % Math.max(1, oracle.sizeSectors);
    const range = { start, count: Math.min(1 + b, oracle.sizeSectors - start) };
    switch (kind) {
      case 'settle':
      case 'fail':
        this.#settle(a, kind === 'settle');
        break;
      case 'flush':
        this.#flush(oracle.beginFlush(), undefined);
        break;
      case 'flushRange':
        this.#flush(oracle.beginFlush(range), range);
        break;
      default:
        if (this.#changes++ < CHANGES_MAX) this.#change(kind, range, b, resizesAlone);
    }
  }

  #change(kind: 'write' | 'zero' | 'resize', { start, count }: SectorRange, size: number, resizesAlone: boolean): void {
    if (kind === 'resize') {
      this.#resize(size, resizesAlone);
      return;
    }
    const pending = kind === 'write' ? this.oracle.beginWrite(start, count) : this.oracle.beginZero(start, count);
    const places = Array.from({ length: count }, (_, i) => [start + i, pending.writer] as const);
    this.#begin(pending, places, false);
  }

  #resize(size: number, isAlone: boolean): void {
    if (isAlone) while (this.#inFlight.length > 0) this.#settle(0, true);
    // It is a write only where there is anything to drop.
    const dropped = [0, 1, 2].filter((sector) => sector >= size && this.parts.some(({ place }) => place === sector));
    const places = dropped.map((sector) => [sector, 0] as const);
    this.#begin(this.oracle.beginResize(size), [['size', size], ...places], true);
    if (isAlone) this.#settle(0, true);
  }

  #begin(pending: Pending, places: readonly (readonly [place: number | 'size', value: number])[], isResize: boolean) {
    this.#clock++;
    const told: Told = { isResize, begunAt: this.#clock, settledAt: Number.POSITIVE_INFINITY, isAccepted: false };
    for (const [place, value] of places) this.parts.push({ place, value, change: told });
    const settle = (isAccepted: boolean) => {
      told.settledAt = this.#clock;
      told.isAccepted = isAccepted;
      if (isAccepted) pending.succeeded();
      else pending.failed();
    };
    this.#inFlight.push({ told, settle });
  }

  #flush(pending: Pending, range: SectorRange | undefined): void {
    this.#clock++;
    const told: ToldFlush = { begunAt: this.#clock, range, isDone: false };
    this.flushes.push(told);
    const settle = (isDone: boolean) => {
      told.isDone = isDone;
      if (isDone) pending.succeeded();
      else pending.failed();
    };
    this.#inFlight.push({ told: undefined, settle });
  }

  /** A resize waits for what came before it, and what came after it waits for it [S1]. One that may fail is alone. */
  #settle(which: number, isAccepted: boolean): void {
    this.#clock++;
    const first = this.#inFlight.findIndex(({ told }) => told?.isResize);
    const ready = first === -1 ? this.#inFlight : this.#inFlight.slice(0, Math.max(1, first));
    const chosen = ready[which % Math.max(1, ready.length)];
    if (chosen === undefined) return;
    this.#inFlight = this.#inFlight.filter((each) => each !== chosen);
    chosen.settle(isAccepted || chosen.told?.isResize === true);
  }
}

/** All states that D5 allows: every order of the parts that fits, and every prefix of it that has what is durable in it. */
function allStates({ parts, flushes }: History, heedsS1: boolean): Set<string> {
  const comesBefore = (a: Told, b: Told): boolean => {
    const isTimely = a.isAccepted && a.settledAt < b.begunAt;
    return isTimely || (heedsS1 && a.isAccepted && (a.isResize || b.isResize) && a.begunAt < b.begunAt);
  };
  const isOverBefore = (a: Told, b: Told): boolean => {
    return a.settledAt < b.begunAt || (heedsS1 && (a.isResize || b.isResize) && a.begunAt < b.begunAt);
  };
  const owed = parts.filter(({ place, change }) => {
    return flushes.some(({ begunAt, range, isDone }) => {
      const isMeant =
        range === undefined || (place !== 'size' && place >= range.start && place < range.start + range.count);
      return isDone && isMeant && change.isAccepted && change.settledAt < begunAt;
    });
  });
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (taken: readonly Part[], sectors: readonly number[], size: number): void => {
    const key = `${parts.map((part) => Number(taken.includes(part))).join('')} ${sectors} ${size}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (owed.every((part) => taken.includes(part))) found.add(sectors.slice(0, size).join());
    for (const part of parts) {
      if (taken.includes(part)) continue;
      const isNext = parts.every((other) => taken.includes(other) || !comesBefore(other.change, part.change));
      if (!isNext || taken.some((other) => isOverBefore(part.change, other.change))) continue;
      const next = sectors.map((value, sector) => (sector === part.place ? part.value : value));
      visit([...taken, part], next, part.place === 'size' ? part.value : size);
    }
  };
  visit([], [0, 0, 0], SECTORS);
  return found;
}

/** Every state that there could be, legal or not: as many sectors, of whichever writer. */
function everyState({ parts }: History): Writer[][] {
  const values = [...new Set([0, ...parts.flatMap(({ place, value }) => (place === 'size' ? [] : [value]))])];
  let states: Writer[][] = [[]];
  const all = [...states];
  for (let size = 1; size <= SECTORS; size++) {
    states = states.flatMap((state) => values.map((value) => [...state, value]));
    all.push(...states);
  }
  return all;
}

const wishes = fc.array(
  fc.record<Wish>({
    kind: fc.constantFrom(
      'write',
      'write',
      'write',
      'zero',
      'flush',
      'flushRange',
      'resize',
      'settle',
      'settle',
      'settle',
      'fail',
    ),
    a: fc.nat(5),
    b: fc.nat(SECTORS),
  }),
  { maxLength: 14, size: 'max' },
);

describe('in every small history', () => {
  test('exactly those states are legal that some prefix of some order that fits leaves', () => {
    fc.assert(
      fc.property(wishes, (history) => {
        const told = new History();
        for (const wish of history) told.tell(wish, true);
        const expected = allStates(told, false);
        const prefixes = told.oracle.prefixes();
        for (const state of everyState(told)) {
          const violation = prefixes.violation(state);
          strictEqual(violation === undefined, expected.has(state.join()), `${state.join()}: ${violation?.message}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of resizes among other operations, all states are legal that a device leaves that keeps S1', () => {
    fc.assert(
      fc.property(wishes, (history) => {
        const told = new History();
        for (const wish of history) told.tell(wish, false);
        const prefixes = told.oracle.prefixes();
        for (const state of allStates(told, true)) {
          const writers = state === '' ? [] : state.split(',').map(Number);
          const violation = prefixes.violation(writers);
          ok(violation === undefined, `${state}: ${violation?.message}`);
        }
      }),
      { numRuns: 300 },
    );
  });
});
