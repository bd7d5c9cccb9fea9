import { type BlockDevice, type BlockDriver, type Clock, createDevice, isZero, systemClock } from '@blockyard/block';
import { ControlledBase, createMemory, createReferenceDevice, type Memory } from '@blockyard/conformance/testing';
import { type CacheDevice, connectCache } from '../connect.js';
import type { CacheOptions } from '../options.js';

export const SECTOR = 512;

/**
 * The system's time, by which nothing yields to the event loop: what a test sees must not depend on how fast the machine
 * is.
 */
const STEADY: Clock = { now: systemClock.now, set: systemClock.set, clear: systemClock.clear };

/** Everything that the base was asked to write, in order. */
export interface BaseWrite {
  readonly start: number;
  readonly count: number;
}

export interface Fixture {
  readonly cache: CacheDevice;
  readonly base: ControlledBase;
  readonly memory: Memory;
  readonly writes: BaseWrite[];
  readonly reads: BaseWrite[];
}

/** A cache over a base that can be held up, made to fail, and looked at. */
export async function openCache(
  sizeSectors: number,
  options: CacheOptions = {},
  preferredIoBytes = 1 << 20,
  fragments?: BlockDevice['fragments'],
): Promise<Fixture> {
  const memory = createMemory({ sectorSize: SECTOR, sizeSectors });
  const writes: BaseWrite[] = [];
  const reads: BaseWrite[] = [];
  const base = new ControlledBase(
    recording(createReferenceDevice(memory, { clock: STEADY }), writes, reads, preferredIoBytes),
  );
  const cache = await connectCache(fragments === undefined ? base : Object.assign(base, { fragments }), {
    readAhead: false,
    seed: 1,
    maxDirtyAgeMs: Number.POSITIVE_INFINITY,
    clock: STEADY,
    ...options,
  });
  return { cache, base, memory, writes, reads };
}

/** `count` sectors of one byte. */
export function filled(count: number, byte: number): Uint8Array {
  return new Uint8Array(count * SECTOR).fill(byte);
}

/** The bytes that the sectors of a range are filled with; -1 for one that is not filled with a single one. */
export async function bytesAt(device: BlockDevice, start: number, count: number): Promise<number[]> {
  const buffer = new Uint8Array(count * SECTOR);
  await device.read(start, [buffer]);
  return fillsOf(buffer);
}

export function fillsOf(buffer: Uint8Array): number[] {
  const fills: number[] = [];
  for (let at = 0; at < buffer.byteLength; at += SECTOR) {
    const sector = buffer.subarray(at, at + SECTOR);
    const first = sector[0] ?? 0;
    fills.push(first === 0 ? (isZero(sector) ? 0 : -1) : sector.every((byte) => byte === first) ? first : -1);
  }
  return fills;
}

const THEN = 'then';

/** A promise of another library's, or what passes for one. */
export function thenable(then: PropertyDescriptor): unknown {
  return Object.defineProperty({}, THEN, then);
}

function recording(
  device: BlockDevice,
  writes: BaseWrite[],
  reads: BaseWrite[],
  preferredIoBytes: number,
): BlockDevice {
  const { info } = device;
  const countOf = (buffers: readonly Uint8Array[]) =>
    buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) / SECTOR;
  const driver: BlockDriver = {
    name: 'recorded',
    sectorSize: info.sectorSize,
    get sizeSectors() {
      return device.info.sizeSectors;
    },
    preferredIoBytes,
    atomicSectors: true,
    read(start, buffers) {
      reads.push({ start, count: countOf(buffers) });
      return device.read(start, buffers);
    },
    write(start, buffers) {
      writes.push({ start, count: countOf(buffers) });
      return device.write(start, buffers);
    },
    discard: (start, count) => device.discard(start, count),
    writeZeroes: (start, count) => device.writeZeroes(start, count),
    extents: (start, count) => device.extents(start, count),
    flush: () => device.flush(),
    resize: (sizeSectors) => device.resize(sizeSectors),
    disconnect: (how) => device.disconnect(how),
  };
  return createDevice(driver, { clock: STEADY });
}
