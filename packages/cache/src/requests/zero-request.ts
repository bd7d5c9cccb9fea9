import type { Clock } from '@blockyard/block';
import type { Fetcher } from '../base/fetcher.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import { type ResidentLine, residentIn } from '../lines/resident.js';
import type { Admission } from '../memory/admission.js';
import type { BudgetChange } from '../memory/budget-change.js';
import type { Sector } from '../tables/numbers.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';
import type { ZeroKind, ZeroRanges } from '../unwritten/zero-ranges.js';
import type { WriteBack } from '../write-back/write-back.js';
import { QueuedRequest } from './queued-request.js';

/** What dropping a range works with. */
export interface DropContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly dirtyLines: DirtyLines;
  readonly zeroes: ZeroRanges;
  readonly fetcher: Fetcher;
  readonly writeBack: WriteBack;
}

/** What a zeroing works with. */
export interface ZeroContext extends DropContext {
  readonly admission: Admission;
  readonly budget: BudgetChange;
  readonly clock: Clock;
}

/** A zeroing that waits, with the writers, while too many zero ranges are pending. */
export class ZeroRequest extends QueuedRequest {
  readonly kind = 'write';
  readonly #context: ZeroContext;
  readonly #zeroes: ZeroKind;
  readonly #start: Sector;
  readonly #end: Sector;

  constructor(context: ZeroContext, zeroes: ZeroKind, start: Sector, count: number) {
    super(context.admission);
    this.#context = context;
    this.#zeroes = zeroes;
    this.#start = start;
    this.#end = (start + count) as Sector;
  }

  /** Undefined if it was done at once. */
  run(): Promise<void> | undefined {
    const { admission, budget, writeBack } = this.#context;
    if (this.advance()) {
      admission.progress();
      budget.progress();
      writeBack.pump();
      return undefined;
    }
    const outcome = this.outcome();
    this.join();
    writeBack.pump();
    return outcome;
  }

  advance(): boolean {
    if (!this.isNext || !this.#context.writeBack.zeroesHaveRoom) return false;
    this.#apply();
    this.complete();
    return true;
  }

  fail(error: unknown): void {
    this.reject(error);
  }

  /** The range reads as zeroes from now on: what lines hold of it is dropped, and one interval remembers it. */
  #apply(): void {
    const { geometry, lines, zeroes, writeBack, clock } = this.#context;
    const found = residentIn(lines, geometry, this.#start, this.#end);
    let oldest = Number.POSITIVE_INFINITY;
    for (const { entry } of found) oldest = Math.min(oldest, writeBack.writes.epochOf(entry));
    const epoch = Number.isFinite(oldest) ? oldest : undefined;
    zeroes.add(this.#zeroes, this.#start, this.#end, clock.now(), epoch);
    drop(this.#context, found, this.#start, this.#end);
  }
}

/** The device ended at `before`, and at `sizeSectors` now: nothing that lies behind is remembered in any form [S3]. */
export function truncateLines(context: DropContext, sizeSectors: Sector, before: Sector): void {
  const { lines, geometry, zeroes } = context;
  drop(context, residentIn(lines, geometry, sizeSectors, before), sizeSectors, before);
  zeroes.remove(sizeSectors, before);
}

/** Drops what lines hold of the range, wherever it is on its way to. */
function drop(context: DropContext, found: readonly ResidentLine[], start: Sector, end: Sector): void {
  const { lines, dirtyLines, fetcher, writeBack, geometry } = context;
  for (const { entry, line } of found) {
    const from = geometry.fromIn(line, start);
    const to = geometry.toIn(line, end);
    lines.valid.clear(entry, from, to);
    lines.dirty.clear(entry, from, to);
    fetcher.supersede(entry, from, to);
    writeBack.writes.supersede(entry, from, to);
    if (!lines.dirty.any(entry)) dirtyLines.discard(entry);
    lines.leaveIfDone(entry);
  }
}
