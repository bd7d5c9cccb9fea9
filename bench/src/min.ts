import type { Accesses } from './accesses.js';

/**
 * Misses of MIN, the best that any policy can do: the line whose next use is farthest away leaves (Belady, "A study of
 * replacement algorithms for a virtual-storage computer", IBM Systems Journal 1966).
 */
export function minMisses(accesses: Accesses, capacity: number): number {
  const { ids, unique } = accesses;
  const nextUse = nextUses(accesses);
  /** Next use of each resident line, or -1. */
  const resident = new Int32Array(unique).fill(-1);
  /** Who is used next at a time. Lines never used again have times of their own past the end. */
  const due = new TimeSet(ids.length + unique);
  let size = 0;
  let misses = 0;
  for (let now = 0; now < ids.length; now++) {
    const id = ids[now] as number;
    const next = nextUse[now] as number;
    if (resident[id] === -1) {
      misses++;
      if (size === capacity) {
        const farthest = due.last();
        due.delete(farthest);
        resident[farthest < ids.length ? (ids[farthest] as number) : farthest - ids.length] = -1;
      } else {
        size++;
      }
    } else {
      due.delete(now);
    }
    resident[id] = next;
    due.add(next);
  }
  return misses;
}

/** For each access the time of the next one to its line; `length + id` if there is none. */
function nextUses({ ids, unique }: Accesses): Int32Array {
  const next = new Int32Array(ids.length);
  const seen = new Int32Array(unique);
  for (let id = 0; id < unique; id++) seen[id] = ids.length + id;
  for (let now = ids.length - 1; now >= 0; now--) {
    const id = ids[now] as number;
    next[now] = seen[id] as number;
    seen[id] = now;
  }
  return next;
}

/**
 * A set of integers below `size` that knows its greatest: bits, over them bits that tell which words are not zero, and so on.
 */
export class TimeSet {
  readonly #levels: Int32Array[] = [];

  constructor(size: number) {
    let words = size;
    do {
      words = Math.ceil(words / 32);
      this.#levels.push(new Int32Array(words));
    } while (words > 1);
  }

  add(value: number): void {
    let bit = value;
    for (const words of this.#levels) {
      const word = bit >>> 5;
      words[word] = (words[word] as number) | (1 << (bit & 31));
      bit = word;
    }
  }

  delete(value: number): void {
    let bit = value;
    for (const words of this.#levels) {
      const word = bit >>> 5;
      const rest = (words[word] as number) & ~(1 << (bit & 31));
      words[word] = rest;
      if (rest !== 0) return;
      bit = word;
    }
  }

  /** The greatest member of a set that is not empty. */
  last(): number {
    let bit = 0;
    for (let level = this.#levels.length - 1; level >= 0; level--) {
      const words = this.#levels[level] as Int32Array;
      bit = bit * 32 + 31 - Math.clz32(words[bit] as number);
    }
    return bit;
  }
}
