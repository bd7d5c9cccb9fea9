import { nextClearBit, nextSetBit, setBits } from '../lines/bits.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';

/** One line on its way to the base. Sectors are of the line. */
export interface LineWrite {
  readonly entry: number;
  readonly line: number;
  readonly slot: number;
  /** What the base reads from. */
  readonly lent: Uint32Array;
  /** Of it, what was dirty and will be again if the base fails; what is zeroed or dropped meanwhile is cleared. */
  readonly dirty: Uint32Array;
  /** Where its dirty data count; -1 for a clean line that only fills a gap. */
  readonly epoch: number;
  readonly sinceMs: number;
  operationsLeft: number;
  failed: boolean;
  /** Where data count that were written to the line meanwhile; -1 if none were. */
  rewrittenEpoch: number;
  rewrittenMs: number;
  /** Told when the line's operations are over. */
  readonly onSettled: ((error: unknown) => void)[];
}

/** One write of the base. */
export interface WriteOperation {
  /** Sectors, half open. */
  readonly start: number;
  readonly end: number;
  readonly buffers: readonly Uint8Array[];
  readonly parts: readonly { readonly write: LineWrite; readonly from: number; readonly to: number }[];
}

interface Span {
  start: number;
  end: number;
}

/**
 * Gathers the dirty data of one group of lines into as few writes of the base as possible, ascending: neighbouring runs become
 * one, and short gaps between them are filled with clean data where the cache holds it. Takes the lines out of `dirtyLines`
 * and clears their dirty sectors: from here on the writes answer for them.
 */
export function takeGroup(
  group: number,
  geometry: Geometry,
  lines: Lines,
  dirtyLines: DirtyLines,
  isWriting: (entry: number) => boolean,
): { readonly writes: LineWrite[]; readonly operations: WriteOperation[] } {
  const firstLine = group * geometry.linesPerGroup;
  const entries: number[] = [];
  for (let line = firstLine; line < firstLine + geometry.linesPerGroup; line++) {
    const entry = lines.find(line);
    entries.push(entry >= 0 && !isWriting(entry) ? entry : -1);
  }
  const spans = joinSpans(dirtySpans(entries, firstLine, geometry, lines, dirtyLines), (start, end) =>
    canFill(start, end, entries, firstLine, geometry, lines),
  );
  const writes = new Map<number, LineWrite>();
  const operations = spans.map((span) => {
    const parts: { write: LineWrite; from: number; to: number }[] = [];
    const buffers: Uint8Array[] = [];
    for (let at = span.start; at < span.end; ) {
      const line = Math.floor(at / geometry.sectorsPerLine);
      const from = at - line * geometry.sectorsPerLine;
      const to = Math.min(span.end - line * geometry.sectorsPerLine, geometry.sectorsPerLine);
      const write = writes.get(line) ?? takeLine(line, entries[line - firstLine], lines, dirtyLines);
      writes.set(line, write);
      setBits(write.lent, 0, from, to);
      write.operationsLeft++;
      parts.push({ write, from, to });
      buffers.push(lines.view(write.slot, from, to));
      at += to - from;
    }
    return { start: span.start, end: span.end, buffers, parts };
  });
  return { writes: [...writes.values()], operations };
}

function dirtySpans(
  entries: readonly number[],
  firstLine: number,
  geometry: Geometry,
  lines: Lines,
  dirtyLines: DirtyLines,
): Span[] {
  const { sectorsPerLine } = geometry;
  const spans: Span[] = [];
  entries.forEach((entry, i) => {
    if (entry < 0 || !dirtyLines.has(entry)) return;
    const base = (firstLine + i) * sectorsPerLine;
    for (let at = lines.dirty.nextSet(entry, 0, sectorsPerLine); at < sectorsPerLine; ) {
      const end = lines.dirty.nextClear(entry, at, sectorsPerLine);
      spans.push({ start: base + at, end: base + end });
      at = lines.dirty.nextSet(entry, end, sectorsPerLine);
    }
  });
  return spans;
}

function joinSpans(spans: readonly Span[], canJoin: (start: number, end: number) => boolean): Span[] {
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last !== undefined && (last.end === span.start || canJoin(last.end, span.start))) last.end = span.end;
    else joined.push({ ...span });
  }
  return joined;
}

/** Whether a gap is short, and all of it held clean, so that one write can take the place of two. */
function canFill(
  start: number,
  end: number,
  entries: readonly number[],
  firstLine: number,
  geometry: Geometry,
  lines: Lines,
): boolean {
  const { sectorsPerLine, linesPerGroup } = geometry;
  if ((end - start) * 4 > linesPerGroup * sectorsPerLine) return false;
  for (let at = start; at < end; ) {
    const index = Math.floor(at / sectorsPerLine) - firstLine;
    const base = (firstLine + index) * sectorsPerLine;
    const to = Math.min(end - base, sectorsPerLine);
    if (entries[index] < 0 || !lines.valid.covers(entries[index], at - base, to)) return false;
    at = base + to;
  }
  return true;
}

function takeLine(line: number, entry: number, lines: Lines, dirtyLines: DirtyLines): LineWrite {
  const dirty = lines.dirty.copyOf(entry);
  const isDirty = dirtyLines.has(entry);
  const write = {
    entry,
    line,
    slot: lines.lend(entry),
    lent: new Uint32Array(dirty.length),
    dirty,
    epoch: isDirty ? dirtyLines.epochOf(entry) : -1,
    sinceMs: isDirty ? dirtyLines.sinceMsOf(entry) : 0,
    operationsLeft: 0,
    failed: false,
    rewrittenEpoch: -1,
    rewrittenMs: 0,
    onSettled: [],
  };
  if (isDirty) dirtyLines.take(entry);
  lines.dirty.clearAll(entry);
  return write;
}

/** Puts back as dirty what an operation that failed was to write of a line. */
export function restoreDirty(write: LineWrite, from: number, to: number, lines: Lines): void {
  for (let at = nextSetBit(write.dirty, 0, from, to); at < to; ) {
    const end = nextClearBit(write.dirty, 0, at, to);
    lines.dirty.set(write.entry, at, end);
    at = nextSetBit(write.dirty, 0, end, to);
  }
}
