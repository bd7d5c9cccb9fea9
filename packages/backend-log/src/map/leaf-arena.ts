import { lengthOf } from './leaf-header.js';

/** Spare words when the array is made anew: this, and an eighth of what the blocks need. */
const SPARE_WORDS_MIN = 16;

/** Below this no memory is given back; the next blocks will want it. */
const TIDY_WORDS_MIN = 256;

/** An array of so many words and less is put in order where it is. A longer one is made anew. */
const SCRATCH_WORDS = 16 * 1024;

/** Used within one call only. */
const scratch = new Uint32Array(SCRATCH_WORDS);

/** A block of this many words and more is copied as a whole. */
const LONG_BLOCK_WORDS = 48;

/**
 * Blocks of words, at most one for each leaf, in a single array: first the place of each leaf's block (0: it has none),
 * then the blocks. Blocks are taken from the end of the array; when it is full, those given up are squeezed out. So a leaf
 * costs neither an object nor a view, there is nothing to collect while sizes stay as they are, and a whole region goes
 * away at once.
 */
export class LeafArena {
  readonly leafCount: number;
  #words: Uint32Array;
  /** Where the next block begins. */
  #end: number;
  /** Words of blocks that were given up. */
  #wasted = 0;

  constructor(leafCount: number) {
    this.leafCount = leafCount;
    this.#words = new Uint32Array(leafCount);
    this.#end = leafCount;
  }

  /** All blocks. Another array after {@link reserve} and {@link tidy}. */
  get words(): Uint32Array {
    return this.#words;
  }

  get byteLength(): number {
    return this.#words.byteLength;
  }

  /** Whether no leaf has a block. */
  get isEmpty(): boolean {
    return this.#end - this.#wasted === this.leafCount;
  }

  /** Where the leaf's block begins; 0 if it has none. */
  blockOf(leaf: number): number {
    return this.#words[leaf] as number;
  }

  /** Makes room for a block of `length` words. Blocks may move. */
  reserve(length: number): void {
    if (this.#end + length <= this.#words.length) return;
    const needed = this.#end - this.#wasted + length;
    const spare = spareWords(needed - this.leafCount);
    const isRoomy = needed + spare / 2 <= this.#words.length && this.#words.length <= SCRATCH_WORDS;
    if (isRoomy) this.#squeeze();
    else this.#remake(needed + spare);
  }

  /**
   * Gives the leaf a block of zeroes but for its first word, the length. There must be room. The block that it had keeps
   * its contents until the next {@link reserve} or {@link tidy}.
   */
  take(leaf: number, length: number): number {
    this.drop(leaf);
    const block = this.#end;
    this.#end += length;
    this.#words[leaf] = block;
    this.#words[block] = length;
    return block;
  }

  /** Makes the leaf's block longer where it is, if it is the last one and there is room, and says whether it did. */
  extend(leaf: number, length: number): boolean {
    const block = this.blockOf(leaf);
    const added = length - (block === 0 ? 0 : lengthOf(this.#words, block));
    if (block === 0 || block + length - added !== this.#end || this.#end + added > this.#words.length) return false;
    this.#words[block] = (this.#words[block] as number) + added;
    this.#end += added;
    return true;
  }

  drop(leaf: number): void {
    const block = this.blockOf(leaf);
    if (block === 0) return;
    this.#wasted += lengthOf(this.#words, block);
    this.#words[leaf] = 0;
  }

  /** Gives memory back if much of it is not used. Blocks may move. */
  tidy(): void {
    const used = this.#end - this.#wasted;
    if (this.#words.length >= TIDY_WORDS_MIN && used < this.#words.length / 2) {
      this.#remake(used + spareWords(used - this.leafCount));
    }
  }

  /** Puts the blocks one after the other in the array that there is. */
  #squeeze(): void {
    const end = copyBlocks(this.#words, scratch, this.leafCount);
    this.#words.set(scratch.subarray(0, end));
    this.#words.fill(0, end, this.#end);
    this.#end = end;
    this.#wasted = 0;
  }

  /** Puts the blocks into a new array. */
  #remake(length: number): void {
    const words = new Uint32Array(length);
    this.#end = copyBlocks(this.#words, words, this.leafCount);
    this.#words = words;
    this.#wasted = 0;
  }
}

/** Room for more, where blocks take `words`. */
function spareWords(words: number): number {
  return (words >>> 3) + SPARE_WORDS_MIN;
}

/** Puts the blocks one after the other, and gives the end of the last. */
function copyBlocks(from: Uint32Array, to: Uint32Array, leafCount: number): number {
  let end = leafCount;
  for (let leaf = 0; leaf < leafCount; leaf++) {
    const block = from[leaf] as number;
    to[leaf] = block === 0 ? 0 : end;
    if (block === 0) continue;
    const length = lengthOf(from, block);
    if (length >= LONG_BLOCK_WORDS) to.set(from.subarray(block, block + length), end);
    else for (let i = 0; i < length; i++) to[end + i] = from[block + i] as number;
    end += length;
  }
  return end;
}
