import { NO_OBJECT, type ObjectId } from '../format/keys.js';
import { collectDense, denseWords, makeDense, makeSparse, replaceInDense } from './dense-leaf.js';
import { LeafArena } from './leaf-arena.js';
import { countOf, isDense, LEAF_SECTORS_MAX } from './leaf-header.js';
import { LeafSet } from './leaf-set.js';
import type { Liveness, RunSink } from './run.js';
import { type Pause, Slices } from './slices.js';
import { collectSparse, RUNS_ADDED_MAX, replaceInSparse, sparseWords } from './sparse-leaf.js';

/**
 * Where the sectors of one region point to, and which of its leaves have changed. Sectors are counted from the region's
 * first.
 *
 * A leaf that points nowhere has no block. One with few runs is a list of them, and one with so many that the list would be
 * longer has a target for each sector.
 */
export class RegionLeaves {
  readonly sectors: number;
  readonly #arena: LeafArena;
  #changed: LeafSet | undefined;

  constructor(sectors: number) {
    this.sectors = sectors;
    this.#arena = new LeafArena(Math.ceil(sectors / LEAF_SECTORS_MAX));
  }

  get byteLength(): number {
    return this.#arena.byteLength + (this.#changed?.byteLength ?? 0);
  }

  get isChanged(): boolean {
    return this.#changed !== undefined;
  }

  /** Whether all of it points nowhere. */
  get isEmpty(): boolean {
    return this.#arena.isEmpty;
  }

  /**
   * Points `count` sectors from `start` on to the slots from `slot` on of an object, or nowhere, and tells `liveness` what
   * they no longer point to. It does not tell of what they point to now.
   */
  replace(start: number, count: number, object: ObjectId, slot: number, liveness: Liveness): void {
    const end = start + count;
    for (let at = start; at < end; ) {
      const leaf = Math.floor(at / LEAF_SECTORS_MAX);
      const base = leaf * LEAF_SECTORS_MAX;
      const to = Math.min(end, base + LEAF_SECTORS_MAX);
      const first = object === NO_OBJECT ? 0 : slot + at - start;
      if (this.#replaceInLeaf(leaf, at - base, to - base, object, first, liveness)) this.#mark(leaf);
      at = to;
    }
    this.#arena.tidy();
  }

  /** Tells `sink` where `count` sectors from `start` on point to; the region's first sector is `base` for it. */
  collect(start: number, count: number, base: number, sink: RunSink): void {
    const end = start + count;
    for (let at = start; at < end; ) {
      const leaf = Math.floor(at / LEAF_SECTORS_MAX);
      const leafStart = leaf * LEAF_SECTORS_MAX;
      const to = Math.min(end, leafStart + LEAF_SECTORS_MAX);
      const { words } = this.#arena;
      const block = this.#arena.blockOf(leaf);
      if (block === 0) sink.push(base + at, to - at, NO_OBJECT, 0);
      else if (isDense(words, block))
        collectDense(words, block, at - leafStart, to - leafStart, base + leafStart, sink);
      else collectSparse(words, block, at - leafStart, to - leafStart, base + leafStart, sink);
      at = to;
    }
  }

  /** The ranges that leaves cover, ascending, those that touch as one. */
  *rangesOf(leaves: LeafSet): Iterable<{ readonly start: number; readonly end: number }> {
    const { leafCount } = this.#arena;
    for (let leaf = 0; leaf < leafCount; leaf++) {
      if (!leaves.has(leaf)) continue;
      const first = leaf;
      while (leaf + 1 < leafCount && leaves.has(leaf + 1)) leaf++;
      yield { start: first * LEAF_SECTORS_MAX, end: Math.min((leaf + 1) * LEAF_SECTORS_MAX, this.sectors) };
    }
  }

  /** The leaves that have changed, which from now on have not. */
  takeChanged(): LeafSet {
    const changed = this.#changed ?? new LeafSet(this.#arena.leafCount);
    this.#changed = undefined;
    return changed;
  }

  /** Leaves count as changed, beside those that do. */
  addChanged(leaves: LeafSet): void {
    if (leaves.isEmpty) return;
    this.#changed ??= new LeafSet(this.#arena.leafCount);
    this.#changed.addAll(leaves);
  }

  /** Makes those leaves sparse again that are dense and need not be, and gives memory back. */
  async compact(leaves: LeafSet, pause: Pause): Promise<void> {
    const slices = new Slices(pause);
    for (let leaf = 0; leaf < this.#arena.leafCount; leaf++) {
      const block = this.#arena.blockOf(leaf);
      if (block === 0 || !leaves.has(leaf) || !isDense(this.#arena.words, block)) continue;
      makeSparse(this.#arena, leaf, this.#sectorsOf(leaf));
      await slices.did(LEAF_SECTORS_MAX);
    }
    this.#arena.tidy();
  }

  #replaceInLeaf(
    leaf: number,
    start: number,
    end: number,
    object: ObjectId,
    slot: number,
    liveness: Liveness,
  ): boolean {
    const { words } = this.#arena;
    const block = this.#arena.blockOf(leaf);
    if (block === 0 && object === NO_OBJECT) return false;
    const sectors = this.#sectorsOf(leaf);
    let dense = block !== 0 && isDense(words, block);
    if (dense && object !== NO_OBJECT && end - start === sectors) {
      // All of it at once: it is one run again.
      replaceInDense(this.#arena, leaf, start, end, NO_OBJECT, 0, liveness);
      dense = false;
    } else if (!dense && sparseWords(this.#runsOf(block) + RUNS_ADDED_MAX) > denseWords(sectors)) {
      makeDense(this.#arena, leaf, sectors);
      dense = true;
    }
    const replace = dense ? replaceInDense : replaceInSparse;
    return replace(this.#arena, leaf, start, end, object, slot, liveness);
  }

  #runsOf(block: number): number {
    return block === 0 ? 0 : countOf(this.#arena.words, block);
  }

  #sectorsOf(leaf: number): number {
    return Math.min(LEAF_SECTORS_MAX, this.sectors - leaf * LEAF_SECTORS_MAX);
  }

  #mark(leaf: number): void {
    this.#changed ??= new LeafSet(this.#arena.leafCount);
    this.#changed.add(leaf);
  }
}
