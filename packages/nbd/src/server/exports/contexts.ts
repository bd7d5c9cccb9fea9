import type { BlockDevice, CacheState } from '@blockyard/block';
import {
  ALLOCATION_HOLE,
  ALLOCATION_ZERO,
  BASE_ALLOCATION,
  CONTEXT_CACHED,
  CONTEXT_DIRTY,
  CONTEXT_INSTANCE,
  CONTEXT_SECTOR_SIZE,
} from '../../wire/protocol.js';
import type { Pause } from '../fairness/pace.js';
import { type Export, instanceOf } from './exports.js';

/** Neighbouring bytes of one status. */
export interface StatusExtent {
  readonly lengthBytes: number;
  readonly status: number;
}

/** A meta context: a way to tell the blocks of an export apart. */
export interface Context {
  /** What it is called on the wire, once selected. Its own for each. */
  readonly id: number;
  readonly name: string;
  /** Statuses from sector `start` on, for at most `count` sectors and for one at least. */
  status(start: number, count: number, extentsMax: number, pause: Pause): Promise<StatusExtent[]>;
}

/** The contexts that an export has. */
export function contextsOf(entry: Export): Context[] {
  const { device, cacheStates } = entry;
  const context = (id: number, name: string, ask: Ask): Context => ({
    id,
    name,
    status: (start, count, extentsMax, pause) => walk(device.info.sectorSize, start, count, extentsMax, ask, pause),
  });
  const contexts = [context(1, BASE_ALLOCATION, (start, count) => allocation(device, start, count))];
  if (cacheStates === undefined) return contexts;
  const mapped = (holds: (state: CacheState['state']) => boolean): Ask => {
    return async (start, count) =>
      cacheStates.states(start, count).map((run) => ({ count: run.count, status: holds(run.state) ? 1 : 0 }));
  };
  contexts.push(
    context(
      2,
      CONTEXT_DIRTY,
      mapped((state) => state === 'dirty' || state === 'zero'),
    ),
  );
  contexts.push(
    context(
      3,
      CONTEXT_CACHED,
      mapped((state) => state !== 'absent'),
    ),
  );
  return contexts;
}

/**
 * Names that answer the queries of LIST_META_CONTEXT: those that can be selected for no queries, and for a namespace with nothing
 * behind it. The instance and the sector size, which cannot be selected, are named to those who ask for them.
 */
export function listContexts(entry: Export, queries: readonly string[]): string[] {
  const names = contextsOf(entry).map(({ name }) => name);
  if (queries.length === 0) return names;
  const found = names.filter((name) => queries.some((query) => query === name || query === namespaceOf(name)));
  if (queries.includes(CONTEXT_INSTANCE)) found.push(instanceOf(entry));
  if (queries.includes(CONTEXT_SECTOR_SIZE)) found.push(CONTEXT_SECTOR_SIZE + entry.device.info.sectorSize);
  return found;
}

/** The contexts that SET_META_CONTEXT selects: those that are named in full. Whatever else is asked for is no error. */
export function selectContexts(entry: Export, queries: readonly string[]): Context[] {
  return contextsOf(entry).filter(({ name }) => queries.includes(name));
}

/** Of extents that begin `skipBytes` early and may go on for too long: what is about `lengthBytes`. */
export function sliceStatuses(
  extents: readonly StatusExtent[],
  skipBytes: number,
  lengthBytes: number,
): StatusExtent[] {
  const end = skipBytes + lengthBytes;
  const slice: StatusExtent[] = [];
  let at = 0;
  for (const extent of extents) {
    const from = Math.max(at, skipBytes);
    at += extent.lengthBytes;
    const to = Math.min(at, end);
    if (to > from) slice.push({ lengthBytes: to - from, status: extent.status });
  }
  return slice;
}

function namespaceOf(name: string): string {
  return name.slice(0, name.indexOf(':') + 1);
}

/** Runs from sector `start` on that cover `count` sectors. */
type Ask = (start: number, count: number) => Promise<Run[]>;

interface Run {
  readonly count: number;
  readonly status: number;
}

/**
 * No one knows before how finely a terabyte is divided: sectors asked for at first, each time at most, and how often. More are asked
 * for where the step before had no more runs than that.
 *
 * `walkExtents` of block is for callers that may take their time: its first question is for 256 MiB. Over a cache with every other
 * 4 KiB dirty that is 65,536 runs and 56 ms in one call of `states`; the 4,096 sectors of a first step here take 0.4 ms.
 */
const STEP_SECTORS_MIN = 4096;
const STEP_SECTORS_MAX = 262_144;
const STEPS_MAX = 256;
const STEP_RUNS_FEW = 64;

/**
 * A hole that reads as zeroes where the device says so, data elsewhere. What is dirty in a cache over a hole of its base is data,
 * for that is what the device says [Z3].
 */
async function allocation(device: BlockDevice, start: number, count: number): Promise<Run[]> {
  const extents = await device.extents(start, count);
  return extents.map(({ count, type }) => ({ count, status: type === 'zero' ? ALLOCATION_HOLE | ALLOCATION_ZERO : 0 }));
}

/** Runs with neighbours of one status merged, `extentsMax` of them at most, in bytes. */
async function walk(
  sectorSize: number,
  start: number,
  count: number,
  extentsMax: number,
  ask: Ask,
  pause: Pause,
): Promise<StatusExtent[]> {
  const extents: { lengthBytes: number; status: number }[] = [];
  const end = start + count;
  let stepSectors = STEP_SECTORS_MIN;
  for (let at = start, steps = 0; at < end && steps < STEPS_MAX; steps++) {
    const take = Math.min(stepSectors, end - at);
    const runs = await ask(at, take);
    for (const run of runs) {
      const last = extents.at(-1);
      if (last?.status === run.status) {
        last.lengthBytes += run.count * sectorSize;
      } else {
        if (extents.length === extentsMax) return extents;
        extents.push({ lengthBytes: run.count * sectorSize, status: run.status });
      }
    }
    at += take;
    const paused = pause();
    if (paused !== undefined) await paused;
    stepSectors = runs.length > STEP_RUNS_FEW ? STEP_SECTORS_MIN : Math.min(stepSectors * 4, STEP_SECTORS_MAX);
  }
  return extents;
}
