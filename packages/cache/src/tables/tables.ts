import { invariant } from '@blockyard/block';

/**
 * Values by entry or by slot, in a typed array. The types say what a table is indexed by and what it holds. A caller has its
 * entry or slot from those who number them, so it lies in the table: that is what the `as` of each `get` says. To look again
 * would cost every hit; nothing is left of it at run time.
 *
 * Each type of array has methods of its own, because code that sees several types of them is slower at all of them.
 */
abstract class Table<Values extends Int32Array | Float64Array | Uint8Array> {
  protected values: Values;

  constructor(places: number) {
    this.values = this.make(places);
  }

  get byteLength(): number {
    return this.values.byteLength;
  }

  /** Makes room for more places. What is there stays. */
  grow(places: number): void {
    const grown = this.make(places);
    grown.set(this.values);
    this.values = grown;
  }

  protected abstract make(places: number): Values;
}

/** A number of another kind for each place; -1 where there is none. */
export class LinkTable<Place extends number, Value extends number> extends Table<Int32Array> {
  static readonly bytesPerPlace = 4;

  get length(): number {
    return this.values.length;
  }

  get(place: Place): Value {
    return this.values[place] as Value;
  }

  set(place: Place, value: Value): void {
    this.values[place] = value;
  }

  protected make(places: number): Int32Array {
    return new Int32Array(places).fill(-1);
  }
}

/** A time, or an integer that 32 bits do not hold; 0 at first. */
export class NumberTable<Place extends number> extends Table<Float64Array> {
  static readonly bytesPerPlace = 8;

  get(place: Place): number {
    return this.values[place] as number;
  }

  set(place: Place, value: number): void {
    this.values[place] = value;
  }

  protected make(places: number): Float64Array {
    return new Float64Array(places);
  }
}

/** A count from 0 to 255. One beyond would be forgotten, so none is let through. */
export class CountTable<Place extends number> extends Table<Uint8Array> {
  static readonly bytesPerPlace = 1;

  get(place: Place): number {
    return this.values[place] as number;
  }

  increment(place: Place): void {
    const count = this.get(place);
    invariant(count < 255, 'a count must fit its eight bits');
    this.values[place] = count + 1;
  }

  decrement(place: Place): void {
    const count = this.get(place);
    invariant(count > 0, 'a count must not fall below zero');
    this.values[place] = count - 1;
  }

  protected make(places: number): Uint8Array {
    return new Uint8Array(places);
  }
}

/** Yes or no; no at first. */
export class FlagTable<Place extends number> extends Table<Uint8Array> {
  static readonly bytesPerPlace = 1;

  has(place: Place): boolean {
    return this.values[place] === 1;
  }

  add(place: Place): void {
    this.values[place] = 1;
  }

  remove(place: Place): void {
    this.values[place] = 0;
  }

  protected make(places: number): Uint8Array {
    return new Uint8Array(places);
  }
}
