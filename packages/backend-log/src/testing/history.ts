import { strictEqual } from 'node:assert';
import type { BlockDevice } from '@blockyard/block';
import type { LogDevice } from '../index.js';

export const SECTOR = 512;
/** Sectors of a region of the map. */
const REGION = (256 << 20) / SECTOR;
/** Where the parts of the volume lie that are used: at its beginning, across two regions, and in one far away. */
const AREAS = [
  { start: 0, count: 40 },
  { start: REGION - 20, count: 40 },
  { start: 3 * REGION + 5, count: 40 },
] as const;
export const SIZE_SECTORS = 3 * REGION + 45;
/** Segments of 16 sectors, so that most requests span several. */
export const SEGMENT_BYTES = 64 + 16 * (SECTOR + 16) + (48 << 10);

/** The sectors that are looked at. */
const SECTORS = AREAS.flatMap(({ start, count }) => Array.from({ length: count }, (_, at) => start + at));

/** Sizes that the volume takes. */
const SIZES = [SIZE_SECTORS, 3 * REGION + 20, REGION + 3, 25] as const;

/** What a volume holds: its size, and the number of the change that each of the sectors has its content of; 0: zeroes. */
export interface State {
  readonly sizeSectors: number;
  readonly values: readonly number[];
}

/** A change of one sector, of a range at once, or of the size. */
type Change =
  | { readonly kind: 'write'; readonly at: number; readonly value: number }
  | { readonly kind: 'zero'; readonly start: number; readonly end: number }
  | { readonly kind: 'resize'; readonly sizeSectors: number };

/** Chance from a seed. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 1) >>> 0;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}

/**
 * Numbered changes of a volume, in order, and what of them is durable. After a crash it must hold the result of the first `n`, and
 * no fewer than were durable [D5].
 */
export class History {
  #start: State;
  #changes: Change[] = [];
  #durable = 0;
  #nextValue = 1;

  constructor(start: State = { sizeSectors: SIZE_SECTORS, values: SECTORS.map(() => 0) }) {
    this.#start = start;
  }

  /** After all changes. */
  get now(): State {
    return this.stateAfter(this.#changes.length);
  }

  copy(): History {
    const copy = new History(this.#start);
    copy.#changes = [...this.#changes];
    copy.#durable = this.#durable;
    copy.#nextValue = this.#nextValue;
    return copy;
  }

  stateAfter(length: number): State {
    let { sizeSectors } = this.#start;
    const values = [...this.#start.values];
    for (const change of this.#changes.slice(0, length)) sizeSectors = apply(change, values) ?? sizeSectors;
    return { sizeSectors, values };
  }

  /** Whether a crash may leave that. */
  allows(found: State): boolean {
    return this.#isPrefix(found);
  }

  check(found: State, what: string): void {
    if (this.allows(found)) return;
    const expected = this.now;
    const wrong = found.values.flatMap((value, at) =>
      value === expected.values[at] ? [] : [`${SECTORS[at]}: ${value}, last ${expected.values[at]}`],
    );
    throw new Error(
      `${what} is no prefix of ${this.#changes.length} changes, ${this.#durable} of them durable: size ${found.sizeSectors} (last ${expected.sizeSectors}); ${wrong.join('; ')}`,
    );
  }

  /** A crash left that: the history goes on from there. */
  recovered(found: State): void {
    this.check(found, 'the volume');
    this.goOnFrom(found);
  }

  goOnFrom(found: State): void {
    this.#start = found;
    this.#changes = [];
    this.#durable = 0;
  }

  async write(device: BlockDevice, at: number, count: number): Promise<void> {
    const first = this.#nextValue;
    for (let each = 0; each < count; each++)
      this.#changes.push({ kind: 'write', at: at + each, value: this.#nextValue++ });
    const bytes = new Uint8Array(count * SECTOR);
    const words = new Uint32Array(bytes.buffer);
    for (let word = 0; word < words.length; word++) words[word] = first + Math.floor((word * 4) / SECTOR);
    await device.write(SECTORS[at] ?? 0, [bytes]);
  }

  async zero(device: BlockDevice, start: number, end: number): Promise<void> {
    this.#changes.push({ kind: 'zero', start, end });
    await device.discard(start, end - start);
  }

  async resize(device: BlockDevice, sizeSectors: number): Promise<void> {
    this.#changes.push({ kind: 'resize', sizeSectors });
    await device.resize(sizeSectors);
  }

  async flush(device: BlockDevice): Promise<void> {
    const length = this.#changes.length;
    await device.flush();
    this.#durable = length;
  }

  /** Changes at random. Flushes now and then. */
  async run(device: BlockDevice, chance: Chance, steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const { sizeSectors } = device.info;
      const what = chance.below(100);
      if (what < 4) await this.resize(device, SIZES[chance.below(SIZES.length)] ?? SIZE_SECTORS);
      else if (what < 12) {
        const start = SECTORS[chance.below(SECTORS.length)] ?? 0;
        const end = what < 7 ? SIZE_SECTORS : start + 1 + chance.below(30);
        if (start < sizeSectors) await this.zero(device, start, Math.min(end, sizeSectors));
      } else if (what < 30) await this.flush(device);
      else {
        const area = chance.below(AREAS.length);
        const { start, count } = AREAS[area] ?? AREAS[0];
        const from = chance.below(count);
        const most = Math.min(count - from, sizeSectors - start - from, what < 90 ? 4 : 40);
        if (most > 0) await this.write(device, area * count + from, 1 + chance.below(most));
      }
    }
  }

  /** Whether it is what some prefix of the changes leads to, with all that are durable in it. */
  #isPrefix(found: State): boolean {
    const first = this.stateAfter(this.#durable);
    const values = [...first.values];
    let { sizeSectors } = first;
    let isFound = isSameState(found, { sizeSectors, values });
    for (const change of this.#changes.slice(this.#durable)) {
      sizeSectors = apply(change, values) ?? sizeSectors;
      isFound ||= isSameState(found, { sizeSectors, values });
    }
    return isFound;
  }
}

/** Returns the new size, if that is what changes. */
function apply(change: Change, values: number[]): number | undefined {
  if (change.kind === 'write') {
    values[change.at] = change.value;
    return undefined;
  }
  const [from, to] =
    change.kind === 'zero' ? [change.start, change.end] : [change.sizeSectors, Number.POSITIVE_INFINITY];
  SECTORS.forEach((sector, at) => {
    if (sector >= from && sector < to) values[at] = 0;
  });
  return change.kind === 'resize' ? change.sizeSectors : undefined;
}

export function isSameState(a: State, b: State): boolean {
  return a.sizeSectors === b.sizeSectors && a.values.every((value, at) => value === b.values[at]);
}

/** What a device holds. Each sector must be whole. */
export async function stateOf(device: BlockDevice): Promise<State> {
  const { sizeSectors } = device.info;
  const values: number[] = [];
  for (const { start, count } of AREAS) {
    const bytes = new Uint8Array(count * SECTOR);
    const there = Math.max(0, Math.min(count, sizeSectors - start));
    if (there > 0) await device.read(start, [bytes.subarray(0, there * SECTOR)]);
    for (let sector = 0; sector < count; sector++) {
      const words = new Uint32Array(bytes.buffer, sector * SECTOR, SECTOR / 4);
      strictEqual(
        words.every((word) => word === words[0]),
        true,
        `sector ${start + sector} is torn`,
      );
      values.push(words[0] ?? 0);
    }
  }
  return { sizeSectors, values };
}

/** Gives a device up without a word to the store. */
export async function giveUp(device: LogDevice): Promise<void> {
  await device.disconnect({ force: true });
}
