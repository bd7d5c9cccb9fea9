import { type BlockDevice, createDevice, systemClock } from '@blockyard/block';
import { CALL_BYTES, yielderOf } from '@blockyard/block/async';
import { connectCache } from '@blockyard/cache';
import type { Counts } from '@blockyard/object-store';
import { endOf } from '../load/replay.js';
import type { Trace } from '../trace/trace.js';
import { costsOfLayout, type Layout, type LayoutCosts } from './layouts.js';
import { TraceClock } from './trace-clock.js';

/** Sectors of volumes in a store, where nothing else was chosen. */
export const SECTOR_BYTES = 4096;
/** Longer requests are split, as `replay` does. */
const REQUEST_BYTES_MAX = 16 * 2 ** 20;
/** The policy's choices do not change from run to run. */
const SEED = 1;

/** A cache, and what is below it. */
export interface Configuration {
  readonly layout: Layout;
  /** Undefined: no cache. */
  readonly cache: { readonly sizeBytes: number; readonly lineBytes: number } | undefined;
}

/** What came of a trace. */
export interface Simulated {
  /** Lines that reads asked for, and those of them that were in memory. Zero without a cache. */
  readonly lookups: number;
  readonly hits: number;
  /** To the store. */
  readonly counts: Counts;
}

/**
 * Sends a trace to the cache itself over a base that has no data, answers at once and counts. Rejects with `INVALID_ARGUMENT` if the
 * cache has room for too few lines, and when the signal fires. `onBytes` is told how many bytes of the trace are done.
 */
export async function simulate(
  trace: Trace,
  { layout, cache }: Configuration,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<Simulated> {
  const costs = costsOfLayout(layout);
  const base = baseOf(Math.max(1, Math.ceil(endOf(trace) / SECTOR_BYTES)), costs);
  const clock = new TraceClock();
  if (cache === undefined) {
    await send(trace, base, clock, { signal, onBytes });
    return { lookups: 0, hits: 0, counts: costs.counts() };
  }
  const { sizeBytes, lineBytes } = cache;
  const device = await connectCache(base, { maxSizeBytes: sizeBytes, lineSize: lineBytes, seed: SEED, clock });
  try {
    await send(trace, device, clock, { signal, onBytes });
    await device.flush();
    const { lookups, hits } = device.snapshot();
    return { lookups, hits, counts: costs.counts() };
  } finally {
    await device.disconnect({ force: true });
  }
}

/** Nothing is read, and what is written is forgotten. */
function baseOf(sizeSectors: number, costs: LayoutCosts): BlockDevice {
  const bytesOf = (start: number, buffers: readonly Uint8Array[]): [number, number] => {
    const from = start * SECTOR_BYTES;
    return [from, buffers.reduce((end, { byteLength }) => end + byteLength, from)];
  };
  const fragments = (start: number, count: number) =>
    costs.fragments?.(start * SECTOR_BYTES, (start + count) * SECTOR_BYTES).map(({ from, to, request }) => ({
      start: from / SECTOR_BYTES,
      count: (to - from) / SECTOR_BYTES,
      request,
    }));
  return createDevice({
    name: 'counted',
    sectorSize: SECTOR_BYTES,
    sizeSectors,
    preferredIoBytes: costs.preferredIoBytes,
    atomicSectors: true,
    read: (start, buffers) => costs.read(...bytesOf(start, buffers)),
    write: (start, buffers) => costs.write(...bytesOf(start, buffers)),
    ...(costs.fragments === undefined ? {} : { fragments }),
    flush: () => {},
    resize: () => {},
    disconnect: () => {},
  });
}

async function send(
  { offsets, lengths, writes, timesMs }: Trace,
  device: BlockDevice,
  clock: TraceClock,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<void> {
  const buffer = new Uint8Array(REQUEST_BYTES_MAX);
  const yielder = yielderOf(systemClock);
  const sectorsMax = REQUEST_BYTES_MAX / SECTOR_BYTES;
  for (let i = 0; i < offsets.length; i++) {
    signal.throwIfAborted();
    clock.moveTo(timesMs?.[i] ?? 0);
    const length = lengths[i] ?? 0;
    const offset = offsets[i] ?? 0;
    const end = length === 0 ? 0 : Math.ceil((offset + length) / SECTOR_BYTES);
    for (let at = Math.floor(offset / SECTOR_BYTES); at < end; at += sectorsMax) {
      const bytes = buffer.subarray(0, Math.min(sectorsMax, end - at) * SECTOR_BYTES);
      await (writes[i] === 1 ? device.write(at, [bytes]) : device.read(at, [bytes]));
    }
    onBytes(length);
    await yielder.spend(CALL_BYTES + length);
  }
}
