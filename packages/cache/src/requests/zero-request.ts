import type { Engine } from '../engine.js';
import type { Waiter } from '../memory/admission.js';
import type { ZeroKind } from '../unwritten/zero-ranges.js';

/** A zeroing that waits, with the writers, while too many zero ranges are pending. */
export class ZeroRequest implements Waiter {
  readonly kind = 'write';
  readonly #engine: Engine;
  readonly #apply: () => void;
  #waiting = false;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;

  constructor(engine: Engine, apply: () => void) {
    this.#engine = engine;
    this.#apply = apply;
  }

  /** Undefined if it was done at once. */
  run(): Promise<void> | undefined {
    const { admission, budget, writeBack } = this.#engine;
    if (this.advance()) {
      admission.progress();
      budget.progress();
      writeBack.pump();
      return undefined;
    }
    this.#waiting = true;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      admission.join(this);
      writeBack.pump();
    });
  }

  advance(): boolean {
    const { admission, writeBack } = this.#engine;
    if (!this.#waiting && admission.mustWait('write')) return false;
    if (!writeBack.zeroesHaveRoom) return false;
    this.#apply();
    this.#settle?.resolve();
    return true;
  }

  fail(error: unknown): void {
    this.#settle?.reject(error);
  }
}

/** The range reads as zeroes from now on: what lines hold of it is dropped, and one interval remembers it. */
export function applyZero(engine: Engine, kind: ZeroKind, start: number, count: number): void {
  const end = start + count;
  const found = linesIn(engine, start, end);
  let oldest = Number.POSITIVE_INFINITY;
  for (const { entry } of found) oldest = Math.min(oldest, engine.writeBack.writes.epochOf(entry));
  engine.zeroes.add(kind, start, end, engine.clock.now(), Number.isFinite(oldest) ? oldest : undefined);
  forget(engine, found, start, end);
}

/** The device ends at `sizeSectors` now: nothing that lies behind is remembered in any form [S3]. */
export function truncateLines(engine: Engine, sizeSectors: number): void {
  const end = Number.MAX_SAFE_INTEGER;
  forget(engine, linesIn(engine, sizeSectors, end), sizeSectors, end);
  engine.zeroes.remove(sizeSectors, end);
}

interface ResidentLine {
  readonly entry: number;
  readonly line: number;
}

/** Drops what lines hold of the range, wherever it is on its way to. */
function forget(engine: Engine, found: readonly ResidentLine[], start: number, end: number): void {
  const { lines, dirtyLines, fetcher, writeBack, geometry } = engine;
  for (const { entry, line } of found) {
    const first = line * geometry.sectorsPerLine;
    const from = Math.max(start - first, 0);
    const to = Math.min(end - first, geometry.sectorsPerLine);
    lines.valid.clear(entry, from, to);
    lines.dirty.clear(entry, from, to);
    fetcher.supersede(entry, from, to);
    writeBack.writes.supersede(entry, from, to);
    if (!lines.dirty.any(entry)) dirtyLines.discard(entry);
    lines.leaveIfDone(entry);
  }
}

/** The resident lines that the range touches, at the cost of the fewer: those of the range, or those that are resident. */
function linesIn({ lines, geometry }: Engine, start: number, end: number): ResidentLine[] {
  const first = Math.floor(start / geometry.sectorsPerLine);
  const last = Math.floor((end - 1) / geometry.sectorsPerLine);
  const found: ResidentLine[] = [];
  if (last - first < lines.count) {
    for (let line = first; line <= last; line++) {
      const entry = lines.find(line);
      if (entry >= 0) found.push({ entry, line });
    }
  } else {
    lines.forEach((entry, line) => {
      if (line >= first && line <= last) found.push({ entry, line });
    });
  }
  return found;
}
