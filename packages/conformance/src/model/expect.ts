import { type BlockDevice, type BlockErrorCode, type Extent, isBlockError } from '@blockyard/block';
import { AssertionError } from '../assertions/assertion-error.js';
import { ok, strictEqual } from '../assertions/assertions.js';
import type { Recording } from '../bases/recording.js';
import { expectStamps } from './differences.js';
import { describeWriter, stamped, type Writer, writerOf, writersOf, ZEROES } from './stamp.js';

/**
 * The call rejects with a BlockError of code `code` (or of one of several), and does not throw synchronously [A1].
 *
 * @param what the call in words, for the message
 */
export async function refuses(
  code: BlockErrorCode | readonly BlockErrorCode[],
  call: () => Promise<unknown>,
  what: string,
): Promise<void> {
  const codes: readonly string[] = typeof code === 'string' ? [code] : code;
  const expected = codes.join(' or ');
  const found = await outcome(call, what);
  if (found.resolved) throw new AssertionError({ message: `${what} must be refused with ${expected}, but succeeded` });
  if (!isBlockError(found.error)) {
    throw new AssertionError({ message: `${what} must reject with a BlockError, not with ${String(found.error)}` });
  }
  if (codes.includes(found.error.code)) return;
  throw new AssertionError({
    message: `${what} must be refused with ${expected}, not with ${found.error.code}: ${found.error.message}`,
    actual: found.error.code,
    expected,
  });
}

type Outcome = { readonly resolved: true } | { readonly resolved: false; readonly error: unknown };

/** How the call ends. It fails if the call throws instead of returning a promise [A1]. */
export async function outcome(call: () => Promise<unknown>, what: string): Promise<Outcome> {
  let promise: unknown;
  try {
    promise = call();
  } catch (error) {
    throw new AssertionError({ message: `${what} must return a promise, but threw ${String(error)}` });
  }
  if (!(promise instanceof Promise)) throw new AssertionError({ message: `${what} must return a promise` });
  return promise.then(
    () => ({ resolved: true }),
    (error: unknown) => ({ resolved: false, error }),
  );
}

/** A promise that is awaited only later: a failure until then is no unhandled one. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Writes `count` sectors from `start` in the name of `writer`. */
export function writeStamped(device: BlockDevice, writer: Writer, start: number, count: number): Promise<void> {
  return device.write(start, [stamped(writer, start, count, device.info.sectorSize)]);
}

/** What is in a range, by default the whole device. The buffer is never zero before it is filled. */
async function readBytes(device: BlockDevice, start: number, count: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(count * device.info.sectorSize).fill(0xa5);
  await device.read(start, [buffer]);
  return buffer;
}

/** Who wrote each sector of a range, by default of the whole device. */
export async function readWriters(
  device: BlockDevice,
  start = 0,
  count = device.info.sizeSectors - start,
): Promise<Writer[]> {
  return writersOf(await readBytes(device, start, count), start, device.info.sectorSize);
}

/** A run of sectors of one writer, for {@link expectWriters}. */
export type WriterRun = readonly [writer: Writer, count: number];

/** A list of runs. */
export function runsOf(...runs: readonly WriterRun[]): readonly WriterRun[] {
  return runs;
}

/** The range from `start` on was written by these, in order. A failure names the sectors that are wrong. */
export async function expectWriters(
  device: BlockDevice,
  start: number,
  what: string,
  ...runs: readonly WriterRun[]
): Promise<void> {
  const expected = expand(runs);
  const bytes = await readBytes(device, start, expected.length);
  expectStamps(bytes, start, what, expected, device.info.sectorSize);
}

/** All of the device was written by these. */
export function expectContents(device: BlockDevice, what: string, ...runs: readonly WriterRun[]): Promise<void> {
  return expectWriters(device, 0, what, ...runs);
}

/** The extents cover the range exactly, in order, and none is empty [Z3]. */
export function expectCover(extents: readonly Extent[], start: number, count: number): void {
  let at = start;
  for (const extent of extents) {
    strictEqual(extent.start, at, `an extent must begin at sector ${at}, where the one before it ends`);
    ok(Number.isSafeInteger(extent.count) && extent.count > 0, `the extent at ${at} must not be empty`);
    ok(extent.type === 'data' || extent.type === 'zero', `the extent at ${at} must be data or zero`);
    at += extent.count;
  }
  strictEqual(at, start + count, `the extents must end at sector ${start + count}`);
}

/** After a crash the base would hold these, and nothing else: everything is durable. */
export function expectDurable({ medium }: Recording, start: number, what: string, ...runs: readonly WriterRun[]): void {
  const expected = expand(runs);
  for (const [i, writer] of expected.entries()) {
    const found = medium.afterCrash(start + i).map((contents) => {
      return contents === undefined ? ZEROES : writerOf(contents, start + i);
    });
    const durable = found.every((each) => each === writer);
    ok(durable, `${what}: a crash may leave sector ${start + i} as ${found.map(describeWriter).join(' or ')}`);
  }
}

/** The writer of each sector. */
export function expand(runs: readonly WriterRun[]): Writer[] {
  return runs.flatMap(([writer, count]) => new Array<Writer>(count).fill(writer));
}
