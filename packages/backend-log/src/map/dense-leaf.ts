import { NO_OBJECT, type ObjectId } from '../format/keys.js';
import type { LeafArena } from './leaf-arena.js';
import { countOf, HEADER_WORDS, setHeader } from './leaf-header.js';
import type { Liveness, RunSink } from './run.js';
import { appendRun, endAt, RUN_WORDS, sparseWords, startAt } from './sparse-leaf.js';
import { continues, highWordOf, lowWordOf, objectOf, slotOf, TARGET_WORDS } from './target.js';

/** Words of the block of a dense leaf: a target for each sector. */
export function denseWords(sectors: number): number {
  return HEADER_WORDS + sectors * TARGET_WORDS;
}

/**
 * Points the sectors from `start` to before `end` of the leaf to the slots from `slot` on of an object, or nowhere, and
 * tells `liveness` what they no longer point to. A leaf that points nowhere loses its block.
 *
 * @returns whether anything is different
 */
export function replaceInDense(
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
  const dropped = dropTargets(words, block + HEADER_WORDS, start, end, liveness);
  const gained = object === NO_OBJECT ? 0 : end - start;
  if (dropped === 0 && gained === 0) return false;
  const mapped = countOf(words, block) - dropped + gained;
  if (mapped === 0) {
    arena.drop(leaf);
    return true;
  }
  setHeader(words, block, mapped, true);
  const low = lowWordOf(object);
  const high = highWordOf(object, slot);
  for (let i = start, at = block + HEADER_WORDS + start * TARGET_WORDS; i < end; i++, at += TARGET_WORDS) {
    words[at] = low;
    words[at + 1] = object === NO_OBJECT ? 0 : high + i - start;
  }
  return true;
}

/** Tells `sink` of the sectors from `start` to before `end` of a leaf whose first sector is `base`. */
export function collectDense(
  words: Uint32Array,
  block: number,
  start: number,
  end: number,
  base: number,
  sink: RunSink,
): void {
  for (let from = start; from < end; ) {
    const to = endOfRun(words, block, from, end);
    const at = block + HEADER_WORDS + from * TARGET_WORDS;
    const high = words[at + 1] as number;
    sink.push(base + from, to - from, objectOf(words[at] as number, high), slotOf(high));
    from = to;
  }
}

/** Makes a leaf dense that is sparse or has no block. */
export function makeDense(arena: LeafArena, leaf: number, sectors: number): void {
  arena.reserve(denseWords(sectors));
  const { words } = arena;
  const sparse = arena.blockOf(leaf);
  const count = sparse === 0 ? 0 : countOf(words, sparse);
  const block = arena.take(leaf, denseWords(sectors));
  let mapped = 0;
  for (let i = 0; i < count; i++) {
    const run = sparse + HEADER_WORDS + i * RUN_WORDS;
    const start = startAt(words, run);
    const length = endAt(words, run) - start;
    for (let k = 0; k < length; k++) {
      const at = block + HEADER_WORDS + (start + k) * TARGET_WORDS;
      words[at] = words[run + 1] as number;
      words[at + 1] = (words[run + 2] as number) + k;
    }
    mapped += length;
  }
  setHeader(words, block, mapped, true);
}

/** Makes a dense leaf sparse if that takes at most half the memory. */
export function makeSparse(arena: LeafArena, leaf: number, sectors: number): void {
  const count = runsIn(arena.words, arena.blockOf(leaf), sectors);
  if (sparseWords(count) > denseWords(sectors) / 2) return;
  arena.reserve(sparseWords(count));
  const { words } = arena;
  const dense = arena.blockOf(leaf);
  const block = arena.take(leaf, sparseWords(count));
  for (let from = 0; from < sectors; ) {
    const to = endOfRun(words, dense, from, sectors);
    const at = dense + HEADER_WORDS + from * TARGET_WORDS;
    const low = words[at] as number;
    const high = words[at + 1] as number;
    if ((low | high) !== 0) appendRun(words, block, from, to - from, low, high);
    from = to;
  }
}

/** Runs that a dense leaf has, those of zeroes not counted. */
function runsIn(words: Uint32Array, block: number, sectors: number): number {
  let count = 0;
  for (let from = 0; from < sectors; from = endOfRun(words, block, from, sectors)) {
    const at = block + HEADER_WORDS + from * TARGET_WORDS;
    if (((words[at] as number) | (words[at + 1] as number)) !== 0) count++;
  }
  return count;
}

/** The end of the run that begins with sector `from`, or `end` if that comes first. */
function endOfRun(words: Uint32Array, block: number, from: number, end: number): number {
  const at = block + HEADER_WORDS + from * TARGET_WORDS;
  const low = words[at] as number;
  const high = words[at + 1] as number;
  const isZero = (low | high) === 0;
  for (let i = 1; from + i < end; i++) {
    const next = at + i * TARGET_WORDS;
    const nextHigh = words[next + 1] as number;
    const isNext = words[next] === low && (isZero ? nextHigh === 0 : continues(high, i, nextHigh));
    if (!isNext) return from + i;
  }
  return end;
}

/** Tells `liveness` of the targets from `start` to before `end`, each object's neighbours at once, and counts them. */
function dropTargets(words: Uint32Array, targets: number, start: number, end: number, liveness: Liveness): number {
  let dropped = 0;
  let object: ObjectId = NO_OBJECT;
  let sectors = 0;
  for (let i = start; i < end; i++) {
    const at = targets + i * TARGET_WORDS;
    const next = objectOf(words[at] as number, words[at + 1] as number);
    if (next !== object) {
      if (object !== NO_OBJECT) liveness.dropped(object, sectors);
      object = next;
      sectors = 0;
    }
    sectors++;
    if (next !== NO_OBJECT) dropped++;
  }
  if (object !== NO_OBJECT) liveness.dropped(object, sectors);
  return dropped;
}
