import type { SectorRange } from '@blockyard/block';
import { AssertionError } from '../assertions/assertion-error.js';
import type { Contents, CrashMedium } from '../bases/crash-medium.js';
import type { Oracle } from './oracle.js';
import { describeWriter, type Writer, writerOf, ZEROES } from './stamp.js';

/**
 * Holds what a crash may leave of a medium against what it must leave [D1, D4]: for a device of which sector `n` is sector `n`
 * of the medium, like a cache or a layer. Sectors do not depend on each other there, so that looking at each sector's every
 * possible contents covers every combination of them.
 */
export class CrashCheck {
  readonly #oracle: Oracle;
  readonly #medium: CrashMedium;
  /** Looking at a sector costs more than remembering it. */
  readonly #writers = new WeakMap<Uint8Array, Writer>();

  constructor(oracle: Oracle, medium: CrashMedium) {
    this.#oracle = oracle;
    this.#medium = medium;
  }

  /**
   * What is wrong with the states that a crash now may leave, or undefined.
   *
   * @param range the only sectors to look at, where no others can have changed
   */
  violation(range?: SectorRange): AssertionError | undefined {
    const allowedSizes = this.#oracle.sizesAfterCrash();
    const sizes = this.#medium.sizesAfterCrash();
    const wrong = sizes.find((size) => !allowedSizes.includes(size));
    if (wrong !== undefined) {
      const expected = allowedSizes.join(' or ');
      return new AssertionError({ message: `a crash may leave ${wrong} sectors, but must leave ${expected}` });
    }
    const end = Math.max(...sizes);
    for (const sector of range === undefined ? this.#touched() : sectorsOf(range)) {
      if (sector >= end) continue;
      const allowed = this.#oracle.allowedAfterCrash(sector);
      for (const contents of this.#medium.afterCrash(sector)) {
        const writer = this.#writerOf(contents, sector);
        if (!allowed.includes(writer)) return crashViolation(sector, writer, allowed);
      }
    }
    return undefined;
  }

  #touched(): Iterable<number> {
    return new Set([...this.#medium.touched(), ...this.#oracle.touched()]);
  }

  #writerOf(contents: Contents, sector: number): Writer {
    if (contents === undefined) return ZEROES;
    const known = this.#writers.get(contents);
    if (known !== undefined) return known;
    const writer = writerOf(contents, sector);
    this.#writers.set(contents, writer);
    return writer;
  }
}

function sectorsOf({ start, count }: SectorRange): Iterable<number> {
  return Array.from({ length: count }, (_, i) => start + i);
}

function crashViolation(sector: number, writer: Writer, allowed: readonly Writer[]): AssertionError {
  const expected = allowed.map(describeWriter).join(' or ');
  return new AssertionError({
    message: `a crash may leave sector ${sector} as ${describeWriter(writer)}, but must leave ${expected}`,
    actual: writer,
    expected: allowed,
  });
}
