import type { BlockDevice, Extent, SectorRange } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { AssertionError } from '../assertions/assertion-error.js';
import { strictEqual } from '../assertions/assertions.js';
import { borrow } from './borrowing.js';
import { expectCover, later } from './expect.js';
import type { Oracle, Pending } from './oracle.js';
import { stamped, writersOf, ZEROES } from './stamp.js';
import type { Batch, CrashedBatch, RangeStep, Step, Workload } from './workload.js';

const SCRIBBLE = 0xee;

/** What a workload runs on, and what it reports to. */
export interface Run {
  readonly device: BlockDevice;
  /** Knows the device's contents, from its beginning. */
  readonly oracle: Oracle;
  /** Another device on the same volume, once the last one has ended. Needed for `reopen` and `crash`. */
  connect?(): Promise<BlockDevice>;
  /**
   * Crashes the device, and gives one on what is left. Nothing may come between its call and the crash. Default: the device is
   * given up and connected again.
   */
  crash?(device: BlockDevice): Promise<BlockDevice>;
  /** Whether the device has crashed: how its operations end is no longer told to the oracle. Default: no. */
  isOver?(): boolean;
  /**
   * Whether an operation may fail like this. A workload of which resizes may fail has one operation in flight. Default: none
   * may.
   */
  mayFail?(error: unknown): boolean;
  /** Whether a resize that failed like this may yet be what a crash leaves. Default: no. */
  mayComeLate?(error: unknown): boolean;
  /** Called whenever an operation has settled and the oracle knows. What it throws ends the run. */
  settled?(kind: Step['kind']): void;
  /** Lets so many macrotasks pass. Default: the platform's. */
  macrotasks?(count: number): Promise<void>;
}

/**
 * Runs the workload and holds every result against the oracle: what is read, the extents, that the buffers of writes are left
 * alone and let go of, and at last all contents. Rejects with what is wrong, and also if an operation fails.
 */
export async function runWorkload(run: Run, workload: Workload): Promise<void> {
  let { device } = run;
  for (const next of workload) {
    if (next === 'reopen') device = await reopen(device, run);
    else if (next === 'crash') device = await crash(device, run);
    else if ('crashed' in next) device = await crashAmid(next, device, run);
    else await runBatch(next, device, run);
    strictEqual(device.info.sizeSectors, run.oracle.sizeSectors, 'info must tell the size of the last resize');
  }
  await readAll(device, run);
}

async function runBatch(batch: Batch, device: BlockDevice, run: Run): Promise<void> {
  await Promise.all(await callSteps(batch, device, run));
}

/** Resolves once all were called. */
async function callSteps(batch: Batch, device: BlockDevice, run: Run): Promise<readonly Promise<void>[]> {
  const inFlight: Promise<void>[] = [];
  for (const step of batch) {
    if (step.macrotasks > 0) await (run.macrotasks ?? macrotasks)(step.macrotasks);
    inFlight.push(later(runStep(step, device, run)));
  }
  return inFlight;
}

async function crashAmid(
  { crashed, macrotasks: count }: CrashedBatch,
  device: BlockDevice,
  run: Run,
): Promise<BlockDevice> {
  let isOver = false;
  const inFlight = await callSteps(crashed, device, { ...run, isOver: () => isOver });
  await (run.macrotasks ?? macrotasks)(count);
  isOver = true;
  const next = await crash(device, run);
  await Promise.all(inFlight);
  return next;
}

async function reopen(device: BlockDevice, run: Run): Promise<BlockDevice> {
  const flush = run.oracle.beginFlush();
  await device.disconnect();
  flush.succeeded();
  const next = await connect(run);
  await readAll(next, run);
  return next;
}

async function crash(device: BlockDevice, run: Run): Promise<BlockDevice> {
  const next = await (run.crash ?? giveUp(run))(device);
  run.oracle.crashed(next.info.sizeSectors);
  await readAll(next, run);
  return next;
}

function giveUp(run: Run): (device: BlockDevice) => Promise<BlockDevice> {
  return async (device) => {
    await device.disconnect({ force: true });
    return connect(run);
  };
}

async function connect(run: Run): Promise<BlockDevice> {
  if (run.connect === undefined) throw new Error('a workload with reopen or crash needs a way to connect again');
  return run.connect();
}

export function runStep(step: Step, device: BlockDevice, run: Run): Promise<void> {
  const { oracle } = run;
  switch (step.kind) {
    case 'flush':
      return follow(run, 'flush', oracle.beginFlush(), device.flush());
    case 'resize':
      return follow(run, 'resize', oracle.beginResize(step.sectors), device.resize(step.sectors));
    default:
      return runRangeStep(step, device, run);
  }
}

function runRangeStep(step: RangeStep, device: BlockDevice, run: Run): Promise<void> {
  const { oracle } = run;
  const range = rangeOf(step, oracle.sizeSectors);
  const { start, count } = range;
  switch (step.kind) {
    case 'read':
      return read(device, range, step.bufferSectors, run);
    case 'write':
      return write(device, range, step.bufferSectors, run);
    case 'extents':
      return extents(device, range, run);
    case 'flushRange':
      return follow(run, 'flushRange', oracle.beginFlush(range), device.flush(range));
    case 'discard':
      return follow(run, 'discard', oracle.beginZero(start, count), device.discard(start, count));
    case 'writeZeroes':
      return follow(run, 'writeZeroes', oracle.beginZero(start, count), device.writeZeroes(start, count));
  }
}

async function read(
  device: BlockDevice,
  { start, count }: SectorRange,
  bufferSectors: number,
  run: Run,
): Promise<void> {
  const { sectorSize } = device.info;
  borrow(device, run.oracle, { start, count });
  const bytes = new Uint8Array(count * sectorSize).fill(SCRIBBLE);
  const reading = run.oracle.beginRead(start, count);
  const pending: Pending = {
    succeeded: () => reading.saw(writersOf(bytes, start, sectorSize)),
    failed: () => reading.failed(),
  };
  await follow(run, 'read', pending, device.read(start, splitInto(bytes, bufferSectors * sectorSize)));
}

async function write(
  device: BlockDevice,
  { start, count }: SectorRange,
  bufferSectors: number,
  run: Run,
): Promise<void> {
  const { sectorSize } = device.info;
  const pending = run.oracle.beginWrite(start, count);
  const bytes = stamped(pending.writer, start, count, sectorSize);
  await follow(run, 'write', pending, device.write(start, splitInto(bytes, bufferSectors * sectorSize)));
  if (writersOf(bytes, start, sectorSize).some((writer) => writer !== pending.writer)) {
    throw new AssertionError({ message: `the write of ${count} sectors from ${start} changed the caller's buffers` });
  }
  // The buffers are the caller's again: if the device still looks at them, the next reads will tell.
  bytes.fill(SCRIBBLE);
}

async function extents(device: BlockDevice, { start, count }: SectorRange, run: Run): Promise<void> {
  const reading = run.oracle.beginRead(start, count);
  const pending: Following<Extent[]> = {
    succeeded: (found) => {
      expectCover(found, start, count);
      reading.saw(found.flatMap(({ type, count: n }) => new Array(n).fill(type === 'zero' ? ZEROES : undefined)));
    },
    failed: () => reading.failed(),
  };
  await follow(run, 'extents', pending, device.extents(start, count));
}

/** What is told how a call ended. */
interface Following<T> {
  succeeded(result: T): void;
  failed(mayComeLate?: boolean): void;
}

async function follow<T>(run: Run, kind: Step['kind'], pending: Following<T>, call: Promise<T>): Promise<void> {
  let result: T;
  try {
    result = await call;
  } catch (error) {
    if (run.isOver?.() === true) return;
    pending.failed(run.mayComeLate?.(error) ?? false);
    if (run.mayFail?.(error) !== true) throw error;
    return;
  }
  if (run.isOver?.() === true) return;
  pending.succeeded(result);
  run.settled?.(kind);
}

async function readAll(device: BlockDevice, run: Run): Promise<void> {
  await read(device, { start: 0, count: device.info.sizeSectors }, device.info.sizeSectors, run);
}

function rangeOf({ at, sectors }: RangeStep, sizeSectors: number): SectorRange {
  if (sizeSectors === 0) return { start: 0, count: 0 };
  const start = at % sizeSectors;
  return { start, count: Math.min(sectors, sizeSectors - start) };
}

/** Views of `partBytes` each, the last one shorter, and an empty one, which must not matter. */
function splitInto(bytes: Uint8Array, partBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += partBytes) parts.push(bytes.subarray(at, at + partBytes));
  parts.splice(1, 0, new Uint8Array(0));
  return parts;
}
