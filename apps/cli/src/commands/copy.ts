import { type BlockDevice, compare, copy, isBlockError } from '@blockyard/block';
import {
  type CreateUriOptions,
  formatSize,
  type Layout,
  type LikeOptions,
  layoutOfUri,
  type UriDevice,
} from '@blockyard/uri';
import type { Command } from 'commander';
import {
  cacheOption,
  defineCommand,
  jsonOption,
  layoutOption,
  sizeOption,
  takeOverOption,
} from '../arguments/define.js';
import { concurrencyOption, parallelOptions } from '../arguments/parallel-options.js';
import { byteRange, sizeBytesOf } from '../arguments/range.js';
import { createDevice } from '../devices/create-device.js';
import { isMemory, withDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, UsageError } from '../terminal/failure.js';
import { withProgress } from '../terminal/progress.js';

interface Options {
  readonly takeOver?: boolean;
  readonly create?: boolean;
  readonly layout?: Layout;
  readonly resume?: boolean;
  readonly skipEqual?: boolean;
  readonly verify?: boolean;
  readonly fromOffset?: number;
  readonly toOffset?: number;
  readonly length?: number;
  readonly concurrency?: number;
  readonly cache?: number;
  readonly json?: boolean;
}

export function defineCopy(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'copy <from> <to>',
    summary: 'Copies a device to another, in parallel. What is zero is neither read nor written.',
    example: 'blockyard copy file:/srv/disk.img s3://bucket/disks/web-1 --create --verify',
  })
    .option('--create', 'make the target first, as large as what is copied to it')
    .addOption(layoutOption())
    .option('--resume', 'with --create: go on with a copy to the same target that was interrupted')
    .option('--skip-equal', 'read the target too, and write only what differs')
    .option('--verify', 'read both anew afterwards, and compare')
    .addOption(sizeOption('--from-offset <size>', 'first byte to read (default: 0)'))
    .addOption(sizeOption('--to-offset <size>', 'first byte to write (default: 0)'))
    .addOption(sizeOption('--length <size>', 'bytes to copy (default: the rest of the source)'))
    .addOption(concurrencyOption())
    .addOption(cacheOption())
    .addOption(takeOverOption())
    .addOption(jsonOption())
    .action((from: string, to: string, options: Options) => {
      if (options.resume && !options.create)
        throw new UsageError('--resume goes with --create', 'as in the copy that was interrupted');
      if (options.layout !== undefined && !options.create) throw new UsageError('--layout goes with --create');
      return withDevice(context, from, { readOnly: true }, (source) => {
        if (from === to && !isMemory(from) && !isApart(source, options)) {
          throw new UsageError('source and target are one device, and what is read would be written over');
        }
        return copyTo(context, source, to, options);
      });
    });
}

async function copyTo(context: Context, source: UriDevice, to: string, options: Options): Promise<void> {
  const { create, layout, verify, fromOffset, length, toOffset = 0, concurrency, cache, takeOver, json } = options;
  const range = rangeOf(source, fromOffset, length);
  const neededBytes = toOffset + range.lengthBytes;
  const wanted = { sizeBytes: neededBytes, like: likenessOf(source), ...(layout === undefined ? {} : { layout }) };
  const isResumed = create === true && !(await makeTarget(context, to, wanted, options.resume === true));
  if (isResumed && layout !== undefined) await checkLayout(to, layout);
  const skipEqual = isResumed || options.skipEqual === true;
  const ends = { fromOffsetBytes: range.offsetBytes, toOffsetBytes: toOffset, lengthBytes: range.lengthBytes };
  const { result, seconds } = await withDevice(context, to, { cache, takeOver }, async (target) => {
    if (create) noteSectorSize(context, source, target);
    if (isResumed) checkSize(target, neededBytes);
    if (neededBytes > sizeBytesOf(target.info)) throw tooSmall(target, neededBytes);
    const copied = await withProgress(context, 'copy', range.lengthBytes, (progress) =>
      copy(source, target, {
        ...ends,
        ...parallelOptions(context, concurrency),
        skipEqual,
        onProgress: ({ copiedBytes, zeroBytes, equalBytes }) => progress.update(copiedBytes + zeroBytes + equalBytes),
      }),
    );
    // What is in a cache says nothing of what is behind it.
    if (verify && cache === undefined) await verifyCopy(context, source, target, ends);
    return copied;
  });
  if (verify && cache !== undefined) {
    await withDevice(context, to, { readOnly: true }, (target) => verifyCopy(context, source, target, ends));
  }
  const { copiedBytes, zeroBytes, equalBytes } = result;
  if (json) {
    await context.printJson({ copiedBytes, zeroBytes, equalBytes, seconds, verified: verify === true });
    return;
  }
  const rate = formatSize(seconds > 0 ? Math.round((copiedBytes + zeroBytes + equalBytes) / seconds) : 0);
  const checked = verify ? ', verified' : '';
  const equal = skipEqual ? `, ${formatSize(equalBytes)} were there already,` : '';
  await context.print(
    `copied ${formatSize(copiedBytes)} and ${formatSize(zeroBytes)} of zeroes${equal} in ${seconds.toFixed(1)} s (${rate}/s)${checked}`,
  );
}

/** Makes the target. Gives whether it was made: if not it is there already, and the copy is to go on. */
async function makeTarget(context: Context, to: string, options: CreateUriOptions, resume: boolean): Promise<boolean> {
  try {
    await createDevice(context, to, options);
    return true;
  } catch (error) {
    if (!isBlockError(error, 'ALREADY_EXISTS')) throw error;
    if (!resume) {
      const hint = 'nothing was changed; --resume goes on with a copy that was interrupted; else choose another name';
      throw new Failure(messageOf(error), hint, error);
    }
    context.log('the target is there already: what is equal on it stays, the rest is copied');
    return false;
  }
}

const NOT_LEFT = 'it is not what this copy left when it was interrupted; nothing was changed';

/** What an interrupted copy has left has the layout that was asked for. */
async function checkLayout(to: string, wanted: Layout): Promise<void> {
  const layout = await layoutOfUri(to);
  if (layout !== wanted) throw new Failure(`the target is of layout ${layout}, and not of ${wanted}`, NOT_LEFT);
}

/** It is as large as what is to be made. */
function checkSize({ info }: BlockDevice, neededBytes: number): void {
  const sizeBytes = sizeBytesOf(info);
  if (sizeBytes === neededBytes) return;
  throw new Failure(`the target has ${sizeBytes} bytes, and this copy would have made one of ${neededBytes}`, NOT_LEFT);
}

/** What the contents of the source depend on. How it lies in a store is kept where both do. */
function likenessOf({ info, layout }: UriDevice): LikeOptions {
  return {
    sectorSize: info.sectorSize,
    ...(layout === undefined ? {} : { layout }),
    ...(layout === 'chunks' ? { chunkBytes: info.preferredIoBytes } : {}),
  };
}

/** Not every device remembers its sector size: the caller who opens a file states it. */
function noteSectorSize(context: Context, { info }: BlockDevice, target: BlockDevice): void {
  if (target.info.sectorSize === info.sectorSize) return;
  context.log(
    `note: the source has sectors of ${info.sectorSize} bytes, the target of ${target.info.sectorSize}; ?sector= tells which it is opened with`,
  );
}

/** Whether what is read and what is written do not meet, if both are on one device. */
function isApart(source: BlockDevice, { fromOffset, toOffset = 0, length }: Options): boolean {
  const { offsetBytes, lengthBytes } = rangeOf(source, fromOffset, length);
  return Math.abs(toOffset - offsetBytes) >= lengthBytes;
}

interface Ends {
  readonly fromOffsetBytes: number;
  readonly toOffsetBytes: number;
  readonly lengthBytes: number;
}

async function verifyCopy(context: Context, source: BlockDevice, target: BlockDevice, ends: Ends): Promise<void> {
  const { fromOffsetBytes, toOffsetBytes, lengthBytes } = ends;
  const { result } = await withProgress(context, 'verify', lengthBytes, (progress) =>
    compare(source, target, {
      aOffsetBytes: fromOffsetBytes,
      bOffsetBytes: toOffsetBytes,
      lengthBytes,
      signal: context.interruption,
      onProgress: ({ comparedBytes }) => progress.update(comparedBytes),
    }),
  );
  if (result.firstDifference === undefined) return;
  throw new Failure(
    `the copy differs from byte ${result.firstDifference.offsetBytes} on`,
    'was one of them written to meanwhile?',
  );
}

function rangeOf(source: BlockDevice, fromOffset: number | undefined, length: number | undefined) {
  try {
    return byteRange(
      {
        ...(fromOffset === undefined ? {} : { offset: fromOffset }),
        ...(length === undefined ? {} : { length }),
      },
      source.info,
    );
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(error.message.replaceAll('--offset', '--from-offset')) : error;
  }
}

function tooSmall({ info }: BlockDevice, neededBytes: number): Failure {
  return new Failure(
    `the target has ${sizeBytesOf(info)} bytes, but ${neededBytes} are needed`,
    `"blockyard resize TO --size ${neededBytes}" makes room`,
  );
}
