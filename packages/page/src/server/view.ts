import { RequestError } from '@blockyard/http-api';
import { VIEW_CELLS_MAX } from '../shared/messages.js';

/** A range that someone looks at, in at most so many cells. */
export interface View {
  readonly startSector: number;
  /** Infinity: to the end of the device. */
  readonly countSectors: number;
  readonly maxCells: number;
}

/** Throws a `RequestError` for one that makes no sense. */
export function viewOf(query: URLSearchParams): View {
  const maxCells = numberIn(query, 'cells', 1024);
  if (maxCells < 1 || maxCells > VIEW_CELLS_MAX) {
    throw new RequestError('BAD_REQUEST', `cells must be between 1 and ${VIEW_CELLS_MAX}`);
  }
  return {
    startSector: numberIn(query, 'start', 0),
    countSectors: numberIn(query, 'count', Number.POSITIVE_INFINITY),
    maxCells,
  };
}

/** The part of it that the device has: all of the device where it has none. */
export function clampView({ startSector, countSectors }: View, sizeSectors: number) {
  if (startSector >= sizeSectors || countSectors === 0) return { start: 0, count: sizeSectors };
  return { start: startSector, count: Math.min(countSectors, sizeSectors - startSector) };
}

function numberIn(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new RequestError('BAD_REQUEST', `${name} must be a whole number`);
  return value;
}
