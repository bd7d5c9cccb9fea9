import { type BlockDevice, isZero } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { Change } from '../changes/change.js';
import type { ChangeReader } from '../medium/change-reader.js';

/** Compared at once. */
const STEP_BYTES = 1 << 20;
const MAX_READ_CONCURRENCY = 32;

/**
 * Where draining was interrupted: how many of the changes, in their order, the base has already. To begin anew would take it back
 * to earlier states, and a base that was a prefix of the writes would for a while not be one. The answer is the largest number
 * that fits: every sector is what the changes before left, or is not touched by them; those of the next change are old or new.
 *
 * @param changes no zeroes that are wide
 * @param reader for those that are not in memory
 */
export async function resumePoint(
  base: BlockDevice,
  changes: readonly Change[],
  reader: ChangeReader,
): Promise<number> {
  const data = new Map<Change, Uint8Array>();
  for (const change of changes) {
    if (change.kind === 'data') data.set(change, change.bytes ?? (await reader.read(change)));
  }
  const contradictions = new Contradictions(changes, data);
  const { sectorSize } = base.info;
  await forEachParallel(
    rangesOf(changes),
    { maxConcurrency: MAX_READ_CONCURRENCY },
    async ({ start, end, indexes }) => {
      const step = Math.max(1, Math.floor(STEP_BYTES / sectorSize));
      for (let at = start; at < end; at += step) {
        const found = new Uint8Array(Math.min(step, end - at) * sectorSize);
        await base.read(at, [found]);
        contradictions.note(indexes, at, found, sectorSize);
      }
    },
  );
  return contradictions.largestThatFits();
}

/** For each number of changes that the base may have, how many sectors say that it has another one. */
class Contradictions {
  /** Differences from one number to the next. */
  readonly #steps: Int32Array;
  readonly #changes: readonly Change[];
  readonly #data: ReadonlyMap<Change, Uint8Array>;

  constructor(changes: readonly Change[], data: ReadonlyMap<Change, Uint8Array>) {
    this.#changes = changes;
    this.#data = data;
    this.#steps = new Int32Array(changes.length + 2);
  }

  /**
   * @param indexes of the changes that may touch what was found
   * @param found what the base has from sector `start` on
   */
  note(indexes: readonly number[], start: number, found: Uint8Array, sectorSize: number): void {
    const changes = this.#changes;
    const count = found.byteLength / sectorSize;
    const touching: number[][] = Array.from({ length: count }, () => []);
    for (const i of indexes) {
      const change = changes[i] as Change;
      const to = Math.min(change.end, start + count);
      for (let sector = Math.max(change.start, start); sector < to; sector++) touching[sector - start]?.push(i);
    }
    for (const [i, touches] of touching.entries()) {
      const sector = found.subarray(i * sectorSize, (i + 1) * sectorSize);
      const matches = touches.map((index) => this.#isWhat(changes[index] as Change, start + i, sector));
      for (const [j, index] of touches.entries()) this.#noteVersion(index, touches[j + 1], matches[j], matches[j + 1]);
    }
  }

  largestThatFits(): number {
    let sum = 0;
    let largest = 0;
    for (let done = 0; done < this.#steps.length - 1; done++) {
      sum += this.#steps[done] ?? 0;
      if (sum === 0) largest = done;
    }
    return largest;
  }

  #isWhat(change: Change, sector: number, found: Uint8Array): boolean {
    if (change.kind !== 'data') return isZero(found);
    const at = (sector - change.start) * found.byteLength;
    const wanted = this.#data.get(change)?.subarray(at, at + found.byteLength);
    return wanted !== undefined && found.every((byte, i) => byte === wanted[i]);
  }

  /** From when change `index` is done until the `next` one that touches the sector is, it must be what `index` made of it. */
  #noteVersion(index: number, next: number | undefined, isThis = false, isNext = false): void {
    if (isThis) return;
    const from = index + 1;
    // While the next one is under way, the sector may be what that makes of it.
    const until = next === undefined ? this.#steps.length - 1 : isNext ? next : next + 1;
    if (from >= until) return;
    this.#steps[from] = (this.#steps[from] ?? 0) + 1;
    this.#steps[until] = (this.#steps[until] ?? 0) - 1;
  }
}

interface TouchedRange {
  readonly start: number;
  end: number;
  /** Of the changes that touch it, ascending. */
  readonly indexes: number[];
}

/** The ranges that changes touch, ascending. */
function rangesOf(changes: readonly Change[]): TouchedRange[] {
  const ranges: TouchedRange[] = [];
  for (const [index, { start, end }] of [...changes.entries()].sort(([, a], [, b]) => a.start - b.start)) {
    const last = ranges.at(-1);
    if (last === undefined || start > last.end) ranges.push({ start, end, indexes: [index] });
    else {
      last.end = Math.max(last.end, end);
      last.indexes.push(index);
    }
  }
  for (const { indexes } of ranges) indexes.sort((a, b) => a - b);
  return ranges;
}
