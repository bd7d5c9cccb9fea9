import { type BlockDevice, type Extent, type Fragment, sliceBuffers } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { Backlog } from '../changes/backlog.js';
import type { Change } from '../changes/change.js';
import type { Span } from '../changes/interval-map.js';
import type { ChangeReader } from '../medium/change-reader.js';

/** Calls of the base, or of the medium, that one read makes at once. */
const MAX_READ_CONCURRENCY = 16;

/** What a sector was last changed by, or undefined: then the base knows. */
type Run = Span<Change | undefined>;

/** A part of a change that only the medium has, and where it is to go. */
interface MediumRun {
  readonly change: Change;
  readonly start: number;
  readonly end: number;
  readonly targets: readonly Uint8Array[];
}

/** The base with all that it does not have yet. */
export class Overlay {
  readonly #base: BlockDevice;
  readonly #backlog: Backlog;
  readonly #reader: ChangeReader;

  constructor(base: BlockDevice, backlog: Backlog, reader: ChangeReader) {
    this.#base = base;
    this.#backlog = backlog;
    this.#reader = reader;
  }

  /** Fills the buffers from sector `start` on. What is in memory is what it is at the call. */
  read(start: number, buffers: readonly Uint8Array[], count: number): Promise<void> | undefined {
    const { sectorSize } = this.#base.info;
    const fromBase: Run[] = [];
    const fromMedium: MediumRun[] = [];
    for (const run of this.#backlog.map.runs(start, start + count)) {
      const { value: change } = run;
      if (change === undefined) {
        fromBase.push(run);
        continue;
      }
      const targets = slice(buffers, start, run, sectorSize);
      if (change.kind !== 'data') for (const target of targets) target.fill(0);
      else if (change.bytes !== undefined) copy(change.bytes, (run.start - change.start) * sectorSize, targets);
      else fromMedium.push({ change, start: run.start, end: run.end, targets });
    }
    if (fromBase.length === 0 && fromMedium.length === 0) return undefined;
    return this.#rest(start, buffers, fromBase, fromMedium);
  }

  /** Runs of data and zeroes that cover the range in order; neighbours may be of one type. */
  async extents(start: number, count: number): Promise<Extent[]> {
    const runs = [...this.#backlog.map.runs(start, start + count)];
    const parts: Extent[][] = runs.map(() => []);
    await forEachParallel(runs.entries(), { maxConcurrency: MAX_READ_CONCURRENCY }, async ([i, run]) => {
      parts[i] = await this.#extentsOf(run);
    });
    return parts.flat();
  }

  /** What the base tells of fragments, but that what it does not have yet is at hand. Undefined if it tells nothing. */
  fragments(start: number, count: number): Fragment[] | undefined {
    const told = this.#base.fragments?.(start, count);
    if (told === undefined) return undefined;
    const fragments: Fragment[] = [];
    for (const run of this.#backlog.map.runs(start, start + count)) {
      if (run.value !== undefined) fragments.push({ start: run.start, count: run.end - run.start, request: 0 });
      else fragments.push(...within(told, run));
    }
    return fragments;
  }

  async #extentsOf({ start, end, value }: Run): Promise<Extent[]> {
    if (value === undefined) return this.#base.extents(start, end - start);
    return [{ start, count: end - start, type: value.kind === 'data' ? 'data' : 'zero' }];
  }

  /** Settles when nothing is written into the buffers any longer. */
  async #rest(
    start: number,
    buffers: readonly Uint8Array[],
    fromBase: readonly Run[],
    fromMedium: readonly MediumRun[],
  ): Promise<void> {
    const { sectorSize } = this.#base.info;
    const base = forEachParallel(fromBase, { maxConcurrency: MAX_READ_CONCURRENCY }, (run) =>
      this.#base.read(run.start, slice(buffers, start, run, sectorSize)),
    );
    const outcomes = await Promise.allSettled([base, this.#fromMedium(fromMedium)]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Until it is over, the records stay where they are. */
  #fromMedium(runs: readonly MediumRun[]): Promise<void> {
    const reading = forEachParallel(runs, { maxConcurrency: MAX_READ_CONCURRENCY }, async (run) => {
      const { change, start, end, targets } = run;
      copy(await this.#reader.read(change, start - change.start, end - start), 0, targets);
    });
    const records = new Set(runs.flatMap(({ change }) => (change.place === undefined ? [] : [change.place.record])));
    for (const { reads } of records) reads.add(reading);
    const over = () => {
      for (const { reads } of records) reads.delete(reading);
    };
    reading.then(over, over);
    return reading;
  }
}

/** What lies in a run. */
function within(fragments: readonly Fragment[], run: Run): Fragment[] {
  return fragments.flatMap(({ start, count, request }) => {
    const from = Math.max(start, run.start);
    const to = Math.min(start + count, run.end);
    return from < to ? [{ start: from, count: to - from, request }] : [];
  });
}

function slice(
  buffers: readonly Uint8Array[],
  start: number,
  run: { readonly start: number; readonly end: number },
  sectorSize: number,
): Uint8Array[] {
  return sliceBuffers(buffers, (run.start - start) * sectorSize, (run.end - run.start) * sectorSize);
}

function copy(source: Uint8Array, offset: number, targets: readonly Uint8Array[]): void {
  let at = offset;
  for (const target of targets) {
    target.set(source.subarray(at, at + target.byteLength));
    at += target.byteLength;
  }
}
