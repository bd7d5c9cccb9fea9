import { type BlockDevice, type BlockErrorCode, isBlockError, type SectorRange } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { concurrencyOption } from '../arguments/parallel-options.js';
import { sizeBytesOf } from '../arguments/range.js';
import { withDevice } from '../devices/device.js';
import { mergedExtents } from '../devices/merged-extents.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, oneLine } from '../terminal/failure.js';
import { type Progress, withProgress } from '../terminal/progress.js';
import { checkVolume, printVolume } from './check-volume.js';

const CONCURRENCY = 8;
const PIECE_BYTES_MIN = 2 ** 20;
/** A device that is gone fails everywhere. More than that are counted, not listed. */
const FAULTS_LISTED_MAX = 100;

/** What is wrong with one place, and says nothing of its neighbours. */
const LOCAL_CODES: readonly BlockErrorCode[] = ['CORRUPT', 'IO'];

/** Where a device could not be read, and why. */
interface Fault {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly code: BlockErrorCode;
  readonly message: string;
}

interface Piece {
  readonly start: number;
  readonly count: number;
  readonly isZero: boolean;
}

/** What a check found. */
interface Findings {
  readBytes: number;
  zeroBytes: number;
  faultyBytes: number;
  readonly faults: Fault[];
}

export function defineCheck(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'check <uri>',
    summary:
      'Reads everything, so that the backend verifies what it can; of a log volume every object too. Goes on after faults, and lists them.',
    example: 'blockyard check s3://bucket/disks/web-1',
  })
    .addOption(concurrencyOption())
    .addOption(jsonOption())
    .action((uri: string, options: Options) => checkAll(context, uri, options));
}

interface Options {
  readonly concurrency?: number;
  readonly json?: boolean;
}

/** What lies in the store, where that is known, and then the device as it is read. */
async function checkAll(context: Context, uri: string, { concurrency = CONCURRENCY, json }: Options): Promise<void> {
  const volume = await checkVolume(context, uri);
  if (volume !== undefined && !json) await printVolume(context, volume);
  try {
    await withDevice(context, uri, { readOnly: true }, async (device) => {
      const { result, seconds } = await withProgress(context, 'check', sizeBytesOf(device.info), (progress) =>
        check(context, device, concurrency, progress),
      );
      const { readBytes, zeroBytes, faultyBytes, faults } = result;
      const ok = faultyBytes === 0 && (volume?.problems.length ?? 0) === 0;
      const verdict = `read ${formatSize(readBytes)}, ${formatSize(zeroBytes)} are zeroes`;
      if (json) await context.printJson({ ok, ...result, seconds, ...(volume === undefined ? {} : { volume }) });
      else await context.print(faultyBytes === 0 ? `${verdict}, no fault` : verdict);
      if (faultyBytes === 0) return;
      if (!json) for (const fault of faults) await context.print(lineOf(fault));
      throw new Failure(`${formatSize(faultyBytes)} could not be read`, 'a copy of the device may have them');
    });
  } catch (error) {
    // A volume that is damaged may not open at all.
    const isUnopened = isBlockError(error) && error.operation === 'connect';
    if (isUnopened && volume !== undefined && json) await context.printJson({ ok: false, volume });
    if (isBlockError(error, 'CORRUPT')) throw new Failure(messageOf(error), 'a snapshot or a copy may have it', error);
    throw error;
  }
  if (volume === undefined || volume.problems.length === 0) return;
  const first = volume.problems[0]?.url ?? '';
  throw new Failure(
    volume.problems.length === 1
      ? `${first} is not as it must be`
      : `${volume.problems.length} objects are not as they must be, the first ${first}`,
    'what is in use now can be read: copy it; snapshots may have lost something',
  );
}

async function check(
  context: Context,
  device: BlockDevice,
  concurrency: number,
  progress: Progress,
): Promise<Findings> {
  const { preferredIoBytes, sectorSize } = device.info;
  const pieceBytes = preferredIoBytes * Math.ceil(PIECE_BYTES_MIN / preferredIoBytes);
  const buffers = new Map<number, Uint8Array>();
  const findings: Findings = { readBytes: 0, zeroBytes: 0, faultyBytes: 0, faults: [] };
  const pieces = piecesOf(device, pieceBytes / sectorSize, context.interruption);
  const throwIfStopped = () => context.interruption.throwIfAborted();
  await forEachParallel(
    pieces,
    { maxConcurrency: concurrency, throwIfStopped },
    async ({ start, count, isZero }, worker) => {
      const lengthBytes = count * sectorSize;
      if (isZero) {
        findings.zeroBytes += lengthBytes;
      } else {
        const buffer = buffers.get(worker) ?? new Uint8Array(pieceBytes);
        buffers.set(worker, buffer);
        await readPiece(device, start, buffer.subarray(0, lengthBytes), findings);
      }
      progress.update(findings.readBytes + findings.zeroBytes + findings.faultyBytes);
    },
  );
  findings.faults.sort((a, b) => a.offsetBytes - b.offsetBytes);
  return findings;
}

/** What is zero whole; the rest in pieces that end where the backend likes it. */
async function* piecesOf(device: BlockDevice, pieceSectors: number, signal: AbortSignal): AsyncGenerator<Piece> {
  const all = { start: 0, count: device.info.sizeSectors };
  for await (const { start, count, type } of mergedExtents(device, all, signal)) {
    if (type === 'zero') {
      yield { start, count, isZero: true };
      continue;
    }
    for (const piece of split({ start, count }, pieceSectors)) yield { ...piece, isZero: false };
  }
}

/** A range in pieces that end at multiples of so many sectors. */
function* split({ start, count }: SectorRange, pieceSectors: number): Generator<SectorRange> {
  const end = start + count;
  for (let at = start; at < end; ) {
    const next = Math.min(end, at - (at % pieceSectors) + pieceSectors);
    yield { start: at, count: next - at };
    at = next;
  }
}

/** One that cannot be read is read once more, in the smallest parts that make sense, to find out which. */
async function readPiece(device: BlockDevice, start: number, bytes: Uint8Array, findings: Findings): Promise<void> {
  try {
    await device.read(start, [bytes]);
    findings.readBytes += bytes.byteLength;
  } catch (error) {
    // Ended by force: nothing is known of the rest.
    if (!isBlockError(error) || error.code === 'DISCONNECTED') throw error;
    const { sectorSize, preferredIoBytes } = device.info;
    const parts = [...split({ start, count: bytes.byteLength / sectorSize }, preferredIoBytes / sectorSize)];
    if (parts.length > 1 && LOCAL_CODES.includes(error.code)) {
      for (const part of parts)
        await readPiece(device, part.start, bytes.subarray(0, part.count * sectorSize), findings);
      return;
    }
    findings.faultyBytes += bytes.byteLength;
    if (findings.faults.length === FAULTS_LISTED_MAX) return;
    const offsetBytes = start * sectorSize;
    const message = oneLine(messageOf(error));
    findings.faults.push({ offsetBytes, lengthBytes: bytes.byteLength, code: error.code, message });
  }
}

function lineOf({ offsetBytes, lengthBytes, code, message }: Fault): string {
  return `${lengthBytes} bytes from ${offsetBytes}: ${code}: ${message}`;
}
