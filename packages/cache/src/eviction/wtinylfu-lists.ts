import { NO_ENTRY } from '../tables/numbers.js';
import { FIRST_FLAG, type LineTable } from './line-table.js';
import { SPARE_ENTRIES } from './policy.js';

/**
 * The lists of W-TinyLFU, and how lines move between them.
 *
 * `AHEAD` has what was prefetched and not used yet. Residents come first, ghosts last, so that a comparison tells them apart.
 */
export const WINDOW = 1;
export const PROBATION = 2;
export const PROTECTED = 3;
export const AHEAD = 4;
export const PARKED = 5;
export const REFUSED_GHOST = 6;
export const MAIN_GHOST = 7;

/** A prefetched line before its first use. */
export const QUIET = FIRST_FLAG;
/** A parked line that left as a refused candidate, not as main's tail. */
export const REFUSED = FIRST_FLAG << 1;
/** A line whose key the shadow follows. */
export const FOLLOWED = FIRST_FLAG << 2;

/** Share of the capacity, for each kind of ghost. */
const GHOSTS = 0.1;

/** Lines in each of the policy's lists. */
export interface WTinyLfuLists {
  readonly windowMax: number;
  readonly window: number;
  readonly probation: number;
  readonly protected: number;
  /** Prefetched and not used yet. */
  readonly ahead: number;
  readonly parked: number;
  readonly refusedGhosts: number;
  readonly mainGhosts: number;
}

/** Lines in each list, beside how many the window aims at. */
export function lengthsOf(lines: LineTable, windowMax: number): WTinyLfuLists {
  return {
    windowMax,
    window: lines.lengthOf(WINDOW),
    probation: lines.lengthOf(PROBATION),
    protected: lines.lengthOf(PROTECTED),
    ahead: lines.lengthOf(AHEAD),
    parked: lines.lengthOf(PARKED),
    refusedGhosts: lines.lengthOf(REFUSED_GHOST),
    mainGhosts: lines.lengthOf(MAIN_GHOST),
  };
}

export function linesInMain(lines: LineTable): number {
  return lines.lengthOf(PROBATION) + lines.lengthOf(PROTECTED);
}

export function residentLines(lines: LineTable): number {
  return lines.lengthOf(WINDOW) + linesInMain(lines) + lines.lengthOf(AHEAD);
}

/** Entries that a table needs. */
export function entriesFor(capacity: number, maxParked: number): number {
  return capacity + maxParked + 2 * ghostsFor(capacity) + SPARE_ENTRIES;
}

/** Moves an entry to the head of another list. */
export function move(lines: LineTable, entry: number, list: number): void {
  lines.unlink(entry);
  lines.push(entry, list);
}

/** Moves the tails of a list with more than `most` lines to probation, without a question, `moves` of them at most. */
export function shift(lines: LineTable, list: number, most: number, moves: number): void {
  for (let i = 0; i < moves && lines.lengthOf(list) > most; i++) {
    const entry = lines.tail(list);
    if (entry === NO_ENTRY) return;
    move(lines, entry, PROBATION);
  }
}

/** Moves the window's tail to where it is next to leave. */
export function retireFromWindow(lines: LineTable): void {
  const entry = lines.unpinnedTail(WINDOW);
  if (entry === NO_ENTRY) return;
  lines.unlink(entry);
  lines.append(entry, PROBATION);
}

/** A fresh entry of `key`; if all are in use, at the cost of the oldest ghost of the longer list. */
export function addEntry(lines: LineTable, key: number): number {
  let entry = lines.add(key);
  if (entry !== NO_ENTRY) return entry;
  dropGhost(lines, lines.lengthOf(REFUSED_GHOST) > lines.lengthOf(MAIN_GHOST) ? REFUSED_GHOST : MAIN_GHOST);
  entry = lines.add(key);
  if (entry === NO_ENTRY) throw new Error('insert must find a free entry: evict first');
  return entry;
}

/** Forgets the oldest ghosts of which there are more than a cache of `capacity` lines keeps. */
export function dropGhosts(lines: LineTable, capacity: number): void {
  for (const list of [REFUSED_GHOST, MAIN_GHOST])
    while (lines.lengthOf(list) > ghostsFor(capacity)) dropGhost(lines, list);
}

function dropGhost(lines: LineTable, list: number): void {
  const ghost = lines.tail(list);
  if (ghost === NO_ENTRY) return;
  lines.unlink(ghost);
  lines.remove(ghost);
}

/** Ghosts of each kind that are kept. */
function ghostsFor(capacity: number): number {
  return Math.max(1, Math.round(capacity * GHOSTS));
}
