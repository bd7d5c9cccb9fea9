import { reignOf, SHAPE, writesOf, writesUpTo } from './reign.js';

/** What two processes that fight for a volume have told of a reign. */
interface Reign {
  /** The stamps of all sectors, as it found them. */
  readonly found: readonly number[];
  /** Its first writes that were flushed, by its own account. */
  flushed: number;
}

/** What is known of the fights for one volume. */
export class Chronicle {
  readonly #reigns = new Map<number, Reign>();
  #lastReign = 0;
  /** What is certain: all up to here was looked at. */
  #start: readonly number[] = new Array<number>(SHAPE.sizeSectors).fill(0);
  /** How reigns ended, and why there were none. */
  readonly endings = new Map<string, number>();
  flushes = 0;

  get nextReign(): number {
    return this.#lastReign + 1;
  }

  /** Reigns that something was flushed in, since the last look. */
  get fruitful(): number {
    return [...this.#reigns.values()].filter(({ flushed }) => flushed > 0).length;
  }

  /** Enters a line of a fighter. */
  enter(line: string): void {
    const [number, kind = '', ...rest] = line.split(' ');
    const reign = Number(number);
    this.#lastReign = Math.max(this.#lastReign, reign);
    if (kind === 'found') this.#reigns.set(reign, { found: rest.map(Number), flushed: 0 });
    else if (kind === 'flushed') this.#flushed(reign, Number(rest[0]));
    else {
      const ending = `${kind} ${rest.join(' ')}`;
      this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
    }
  }

  #flushed(reign: number, writes: number): void {
    const known = this.#known(reign);
    known.flushed = Math.max(known.flushed, writes);
    this.flushes++;
  }

  /**
   * Follows the reigns from what the volume holds in the end back to the last look: each has left a prefix of its writes, with all
   * that it was told to have flushed, on what it found. Throws where that is not so, or if a reign is left over that flushed.
   */
  check(end: readonly number[]): void {
    const left = new Map(this.#reigns);
    let state = end;
    while (state[0] !== this.#start[0]) {
      const number = reignOf(state[0] ?? 0);
      const reign = left.get(number);
      if (reign === undefined) throw new Error(`reign ${number} is found again after others`);
      left.delete(number);
      const writes = Math.max(...state.filter((stamp) => reignOf(stamp) === number).map(writesUpTo));
      if (writes < reign.flushed)
        throw new Error(`reign ${number} flushed ${reign.flushed} writes; ${writes} are left`);
      expectSame(state, afterWrites(reign.found, number, writes), `after ${writes} writes of reign ${number}`);
      state = reign.found;
    }
    expectSame(state, this.#start, 'at the last look');
    for (const [number, { flushed }] of left) {
      if (flushed > 0) throw new Error(`nothing is left of reign ${number}, which flushed ${flushed} writes`);
    }
    this.#start = end;
    this.#reigns.clear();
  }

  #known(number: number): Reign {
    const reign = this.#reigns.get(number);
    if (reign === undefined) throw new Error(`reign ${number} has not begun`);
    return reign;
  }
}

function afterWrites(found: readonly number[], reign: number, writes: number): number[] {
  const state = [...found];
  let left = writes;
  for (const { sector, stamp } of writesOf(reign)) {
    if (left-- === 0) break;
    state[sector] = stamp;
  }
  return state;
}

function expectSame(found: readonly number[], expected: readonly number[], when: string): void {
  const wrong = expected.findIndex((stamp, sector) => stamp !== found[sector]);
  if (wrong === -1) return;
  throw new Error(`sector ${wrong} has stamp ${found[wrong]}, and had ${expected[wrong]} ${when}`);
}
