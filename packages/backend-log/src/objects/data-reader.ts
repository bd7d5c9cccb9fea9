import { BlockError } from '@blockyard/block';
import { busy, type ObjectStore, sinkInto } from '@blockyard/object-store';
import type { DataName } from '../format/keys.js';
import { TRAILER_BYTES } from '../format/sealing.js';
import { slotBytesOf, slotOffset } from '../format/segment.js';
import { ObjectGone } from './object-gone.js';
import type { Based, Places } from './places.js';

/** Sectors `start` on, `count` of them, that lie in slots `slot` on. */
export interface SlotRun {
  readonly start: number;
  readonly count: number;
  readonly slot: number;
  /** One buffer for each sector. */
  readonly targets: readonly Uint8Array[];
}

/** Slots between two runs that are fetched and not used, rather than make a request of their own. */
export const GAP_BYTES_MAX = 64 << 10;
/** Bytes of one request. */
const REQUEST_BYTES_MAX = 4 << 20;

/** Runs of one object that one request fetches. */
export interface Fetch<R extends SlotRun = SlotRun> {
  readonly name: Based<DataName>;
  readonly runs: readonly R[];
}

/**
 * Puts runs of one object together to requests: those that lie close to one another, up to `maxBytes`. No request fetches a slot
 * twice.
 */
export function fetchesOf<R extends Pick<SlotRun, 'slot' | 'count'>>(
  name: Based<DataName>,
  runs: R[],
  sectorSize: number,
  maxBytes = REQUEST_BYTES_MAX,
): { readonly name: Based<DataName>; readonly runs: R[] }[] {
  const slotBytes = slotBytesOf(sectorSize);
  runs.sort((a, b) => a.slot - b.slot);
  const fetches: { name: Based<DataName>; runs: R[] }[] = [];
  let first = 0;
  let end = 0;
  for (const run of runs) {
    const last = fetches.at(-1);
    const isNear = run.slot >= end && (run.slot - end) * slotBytes <= GAP_BYTES_MAX;
    const isSmall = (run.slot + run.count - first) * slotBytes <= maxBytes;
    if (last !== undefined && isNear && isSmall) {
      last.runs.push(run);
    } else {
      fetches.push({ name, runs: [run] });
      first = run.slot;
    }
    end = run.slot + run.count;
  }
  return fetches;
}

/**
 * Fetches sectors of an object with one request, and checks each. {@link ObjectGone} if the object is not there: it may have been
 * cleaned away since the map was looked at. `CORRUPT` if it is not what was stored.
 */
export async function fetchSlots(
  store: Pick<ObjectStore, 'get' | 'urlOf'>,
  places: Places,
  fetch: Fetch,
  sectorSize: number,
): Promise<void> {
  const open = await getSlots(store, places, fetch, sectorSize);
  for (const run of fetch.runs) open(run);
}

/**
 * Fetches sectors of an object with one request, as {@link fetchSlots} does. Returns what opens a run of them in place, to be called
 * once for each, and throws `CORRUPT` if that one is not what was stored.
 */
export async function getSlots<R extends SlotRun>(
  store: Pick<ObjectStore, 'get' | 'urlOf'>,
  places: Places,
  { name, runs }: Fetch<R>,
  sectorSize: number,
): Promise<(run: R) => void> {
  const key = places.dataKey(name);
  const first = runs[0]?.slot ?? 0;
  const { buffers, trailerBytes, trailers, lengthBytes } = layOut(runs, sectorSize);
  const offset = slotOffset(first, sectorSize);
  const version = await store.get(key, { offset, lengthBytes }, () => sinkInto(buffers));
  if (version === undefined) throw new ObjectGone(store.urlOf(key));
  if (version === 'busy') throw busy(store.urlOf(key));
  const where = store.urlOf(key);
  if (version === 'beyond' || version.sizeBytes < offset + lengthBytes) {
    throw new BlockError('CORRUPT', `${where}: ends before ${offset + lengthBytes} bytes`);
  }
  const sealer = places.dataSealer(name);
  return (run) => {
    const { start, slot, targets } = run;
    let at = trailers.get(run) ?? 0;
    targets.forEach((target, index) => {
      const trailer = trailerBytes.subarray(at, at + TRAILER_BYTES);
      at += TRAILER_BYTES;
      sealer.open(slot + index, start + index, target, trailer, `${where}, sector ${start + index}`);
    });
  };
}

/**
 * Where the bytes of a request go: sectors to their buffers, trailers together, gaps to memory that is not looked at. `trailers` has
 * where those of each run begin.
 */
function layOut(runs: readonly SlotRun[], sectorSize: number) {
  const slotBytes = slotBytesOf(sectorSize);
  const sectors = runs.reduce((sum, { count }) => sum + count, 0);
  const trailerBytes = new Uint8Array(sectors * TRAILER_BYTES);
  const trailers = new Map<SlotRun, number>();
  const buffers: Uint8Array[] = [];
  let next = runs[0]?.slot ?? 0;
  const first = next;
  let trailer = 0;
  for (const run of runs) {
    const { slot, count, targets } = run;
    trailers.set(run, trailer);
    if (slot > next) buffers.push(new Uint8Array((slot - next) * slotBytes));
    for (const target of targets) {
      buffers.push(target, trailerBytes.subarray(trailer, trailer + TRAILER_BYTES));
      trailer += TRAILER_BYTES;
    }
    next = slot + count;
  }
  return { buffers, trailerBytes, trailers, lengthBytes: (next - first) * slotBytes };
}
