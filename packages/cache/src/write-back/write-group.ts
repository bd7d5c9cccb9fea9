import { type BlockError, invariant } from '@blockyard/block';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import { nextClearBit, nextSetBit, setBits } from '../tables/bits.js';
import { type Entry, type Line, NO_ENTRY, type Sector, type Slot } from '../tables/numbers.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';

/** One line on its way to the base. Sectors are of the line. */
export interface LineWrite {
  readonly entry: Entry;
  readonly line: Line;
  readonly slot: Slot;
  /** What the base reads from. */
  readonly source: Uint32Array;
  /** Of it, what was dirty and will be again if the base fails; what is zeroed or dropped meanwhile is cleared. */
  readonly dirty: Uint32Array;
  /** Where its dirty data count; -1 for a clean line that only fills a gap. */
  readonly epoch: number;
  readonly sinceMs: number;
  operationsLeft: number;
  /** Of the first of its operations that failed. */
  failure: BlockError | undefined;
  /** Where data count that were written to the line meanwhile; -1 if none were. */
  rewrittenEpoch: number;
  rewrittenMs: number;
  /** Told when the line's operations are over. */
  readonly onSettled: ((error: unknown) => void)[];
}

/** One write of the base. */
export interface WriteOperation {
  /** Sectors, half open. */
  readonly start: Sector;
  readonly end: Sector;
  readonly buffers: readonly Uint8Array[];
  readonly parts: readonly { readonly write: LineWrite; readonly from: number; readonly to: number }[];
}

interface Span {
  start: Sector;
  end: Sector;
}

/** Lines of a group that may go to the base now. */
type Entries = ReadonlyMap<Line, Entry>;

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
  isWriting: (entry: Entry) => boolean,
): { readonly writes: LineWrite[]; readonly operations: WriteOperation[] } {
  const entries = entriesOf(group, geometry, lines, isWriting);
  const spans = joinSpans(dirtySpans(entries, geometry, lines, dirtyLines), (start, end) =>
    canFill(start, end, entries, geometry, lines),
  );
  const writes = new Map<Line, LineWrite>();
  const operations = spans.map((span) => {
    const parts: { write: LineWrite; from: number; to: number }[] = [];
    const buffers: Uint8Array[] = [];
    for (let line = geometry.lineOf(span.start); line <= geometry.lastLine(span.end); line++) {
      const from = geometry.fromIn(line, span.start);
      const to = geometry.toIn(line, span.end);
      const write = writes.get(line) ?? takeLine(line, entries.get(line) ?? NO_ENTRY, lines, dirtyLines);
      writes.set(line, write);
      setBits(write.source, 0, from, to);
      write.operationsLeft++;
      parts.push({ write, from, to });
      buffers.push(lines.view(write.slot, from, to));
    }
    return { start: span.start, end: span.end, buffers, parts };
  });
  return { writes: [...writes.values()], operations };
}

function entriesOf(group: number, geometry: Geometry, lines: Lines, isWriting: (entry: Entry) => boolean): Entries {
  const entries = new Map<Line, Entry>();
  const first = (group * geometry.linesPerGroup) as Line;
  for (let line = first; line < first + geometry.linesPerGroup; line++) {
    const entry = lines.find(line);
    if (entry >= 0 && !isWriting(entry)) entries.set(line, entry);
  }
  return entries;
}

function dirtySpans(entries: Entries, geometry: Geometry, lines: Lines, dirtyLines: DirtyLines): Span[] {
  const { sectorsPerLine } = geometry;
  const spans: Span[] = [];
  for (const [line, entry] of entries) {
    if (!dirtyLines.has(entry)) continue;
    for (let at = lines.dirty.nextSet(entry, 0, sectorsPerLine); at < sectorsPerLine; ) {
      const end = lines.dirty.nextClear(entry, at, sectorsPerLine);
      invariant(lines.valid.covers(entry, at, end), 'what is dirty must be valid');
      spans.push({ start: geometry.sectorOf(line, at), end: geometry.sectorOf(line, end) });
      at = lines.dirty.nextSet(entry, end, sectorsPerLine);
    }
  }
  return spans;
}

function joinSpans(spans: readonly Span[], canJoin: (start: Sector, end: Sector) => boolean): Span[] {
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last !== undefined && (last.end === span.start || canJoin(last.end, span.start))) last.end = span.end;
    else joined.push({ ...span });
  }
  return joined;
}

/** Whether a gap is short, and all of it held clean, so that one write can take the place of two. */
function canFill(start: Sector, end: Sector, entries: Entries, geometry: Geometry, lines: Lines): boolean {
  const { sectorsPerLine, linesPerGroup } = geometry;
  if ((end - start) * 4 > linesPerGroup * sectorsPerLine) return false;
  for (let line = geometry.lineOf(start); line <= geometry.lastLine(end); line++) {
    const entry = entries.get(line);
    if (entry === undefined) return false;
    if (!lines.valid.covers(entry, geometry.fromIn(line, start), geometry.toIn(line, end))) return false;
  }
  return true;
}

function takeLine(line: Line, entry: Entry, lines: Lines, dirtyLines: DirtyLines): LineWrite {
  const dirty = lines.dirty.copyOf(entry);
  const isDirty = dirtyLines.has(entry);
  invariant(isDirty || !lines.dirty.any(entry), 'what is dirty must wait to be written');
  const write = {
    entry,
    line,
    slot: lines.pin(entry),
    source: new Uint32Array(dirty.length),
    dirty,
    epoch: isDirty ? dirtyLines.epochOf(entry) : -1,
    sinceMs: isDirty ? dirtyLines.sinceMsOf(entry) : 0,
    operationsLeft: 0,
    failure: undefined,
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
