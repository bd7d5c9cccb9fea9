import { NO_OBJECT, type ObjectId } from '../format/keys.js';
import type { LeafArena } from './leaf-arena.js';
import { countOf, HEADER_WORDS, lengthOf, setHeader } from './leaf-header.js';
import type { Liveness, RunSink } from './run.js';
import { continues, highWordOf, lowWordOf, objectOf, slotOf, TARGET_WORDS } from './target.js';

/**
 * A leaf as a list of runs, ascending and apart; neighbours that continue one another are one. A run is three words: bits 0
 * to 9 of the first are its first sector in the leaf and 10 to 19 its count less one; then the target of its first sector.
 */
export const RUN_WORDS = 1 + TARGET_WORDS;

const OFFSET_BITS = 10;
const OFFSET_MASK = 2 ** OFFSET_BITS - 1;

/** A change puts in at most this many runs more than it takes out. */
export const RUNS_ADDED_MAX = 2;

/** Words of a block for `count` runs and some more. */
export function sparseWords(count: number): number {
  return HEADER_WORDS + RUN_WORDS * (count + (count >>> 3));
}

/** The runs that take the place of others: what is left of the first and the last, and a new one between. */
class Pieces {
  readonly #words = new Uint32Array((RUNS_ADDED_MAX + 1) * RUN_WORDS);
  count = 0;
  #end = 0;

  clear(): void {
    this.count = 0;
  }

  /** The next run. It is joined to the last one if it continues that one. */
  push(offset: number, count: number, low: number, high: number): void {
    const last = (this.count - 1) * RUN_WORDS;
    if (this.count > 0 && this.#end === offset && this.#words[last + 1] === low) {
      const start = startAt(this.#words, last);
      if (continues(this.#words[last + 2] as number, offset - start, high)) {
        this.#end += count;
        this.#words[last] = packed(start, this.#end - start);
        return;
      }
    }
    const at = this.count++ * RUN_WORDS;
    this.#words[at] = packed(offset, count);
    this.#words[at + 1] = low;
    this.#words[at + 2] = high;
    this.#end = offset + count;
  }

  copyTo(words: Uint32Array, at: number): void {
    for (let i = 0; i < this.count * RUN_WORDS; i++) words[at + i] = this.#words[i] as number;
  }
}

/** Used within one call only. */
const pieces = new Pieces();

/**
 * Points the sectors from `start` to before `end` of the leaf to the slots from `slot` on of an object, or nowhere, and
 * tells `liveness` what they no longer point to. The leaf is sparse or has no block.
 *
 * @returns whether anything is different
 */
export function replaceInSparse(
  arena: LeafArena,
  leaf: number,
  start: number,
  end: number,
  object: ObjectId,
  slot: number,
  liveness: Liveness,
): boolean {
  const { words } = arena;
  const block = arena.blockOf(leaf);
  const runs = block + HEADER_WORDS;
  const count = block === 0 ? 0 : countOf(words, block);
  // Those that overlap the range, and those that touch it: they may become one with what is new.
  const from = firstEndingFrom(words, runs, count, start);
  let to = from;
  let overlapped = 0;
  for (; to < count; to++) {
    const at = runs + to * RUN_WORDS;
    if (startAt(words, at) > end) break;
    const sectors = Math.min(endAt(words, at), end) - Math.max(startAt(words, at), start);
    if (sectors <= 0) continue;
    overlapped += sectors;
    liveness.dropped(objectOf(words[at + 1] as number, words[at + 2] as number), sectors);
  }
  if (object === NO_OBJECT && overlapped === 0) return false;

  pieces.clear();
  if (from < to) pushBefore(words, runs + from * RUN_WORDS, start);
  if (object !== NO_OBJECT) pieces.push(start, end - start, lowWordOf(object), highWordOf(object, slot));
  if (from < to) pushFrom(words, runs + (to - 1) * RUN_WORDS, end);
  splice(arena, leaf, count, from, to);
  return true;
}

/** Tells `sink` of the sectors from `start` to before `end` of a leaf whose first sector is `base`. */
export function collectSparse(
  words: Uint32Array,
  block: number,
  start: number,
  end: number,
  base: number,
  sink: RunSink,
): void {
  const runs = block + HEADER_WORDS;
  const count = countOf(words, block);
  let position = start;
  for (let i = firstEndingFrom(words, runs, count, start + 1); i < count && position < end; i++) {
    const at = runs + i * RUN_WORDS;
    const runStart = startAt(words, at);
    if (runStart >= end) break;
    if (runStart > position) {
      sink.push(base + position, runStart - position, NO_OBJECT, 0);
      position = runStart;
    }
    const runEnd = Math.min(endAt(words, at), end);
    const high = words[at + 2] as number;
    const object = objectOf(words[at + 1] as number, high);
    sink.push(base + position, runEnd - position, object, slotOf(high) + position - runStart);
    position = runEnd;
  }
  if (position < end) sink.push(base + position, end - position, NO_OBJECT, 0);
}

/** Puts a run behind those of a sparse block, which has room. */
export function appendRun(
  words: Uint32Array,
  block: number,
  offset: number,
  length: number,
  low: number,
  high: number,
) {
  const count = countOf(words, block);
  const at = block + HEADER_WORDS + count * RUN_WORDS;
  words[at] = packed(offset, length);
  words[at + 1] = low;
  words[at + 2] = high;
  setHeader(words, block, count + 1, false);
}

/** Where the run at `at` begins in its leaf. */
export function startAt(words: Uint32Array, at: number): number {
  return (words[at] as number) & OFFSET_MASK;
}

/** Where the run at `at` ends in its leaf. */
export function endAt(words: Uint32Array, at: number): number {
  const word = words[at] as number;
  return (word & OFFSET_MASK) + (word >>> OFFSET_BITS) + 1;
}

function packed(offset: number, count: number): number {
  return offset | ((count - 1) << OFFSET_BITS);
}

/** Number of the first run that ends at `offset` or later. */
function firstEndingFrom(words: Uint32Array, runs: number, count: number, offset: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endAt(words, runs + middle * RUN_WORDS) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What the run has before `end`. */
function pushBefore(words: Uint32Array, at: number, end: number): void {
  const start = startAt(words, at);
  if (start >= end) return;
  pieces.push(start, Math.min(endAt(words, at), end) - start, words[at + 1] as number, words[at + 2] as number);
}

/** What the run has from `start` on. */
function pushFrom(words: Uint32Array, at: number, start: number): void {
  const end = endAt(words, at);
  const runStart = startAt(words, at);
  const from = Math.max(runStart, start);
  if (end <= from) return;
  pieces.push(from, end - from, words[at + 1] as number, (words[at + 2] as number) + from - runStart);
}

/** Puts the pieces in place of the runs with numbers `from` to before `to`. */
function splice(arena: LeafArena, leaf: number, count: number, from: number, to: number): void {
  const kept = count - to;
  const newCount = from + pieces.count + kept;
  if (newCount === 0) {
    arena.drop(leaf);
    return;
  }
  let old = arena.blockOf(leaf);
  let block = old;
  const isFull = old === 0 || HEADER_WORDS + newCount * RUN_WORDS > lengthOf(arena.words, old);
  if (isFull && !arena.extend(leaf, sparseWords(newCount))) {
    arena.reserve(sparseWords(newCount));
    old = arena.blockOf(leaf);
    block = arena.take(leaf, sparseWords(newCount));
    arena.words.copyWithin(block + HEADER_WORDS, old + HEADER_WORDS, old + HEADER_WORDS + from * RUN_WORDS);
  }
  const { words } = arena;
  const tail = old + HEADER_WORDS + to * RUN_WORDS;
  const added = block + HEADER_WORDS + from * RUN_WORDS;
  words.copyWithin(added + pieces.count * RUN_WORDS, tail, tail + kept * RUN_WORDS);
  pieces.copyTo(words, added);
  setHeader(words, block, newCount, false);
}
