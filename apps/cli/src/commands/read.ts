import { randomUUID } from 'node:crypto';
import { createWriteStream, type Stats } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { cacheOption, defineCommand, jsonOption } from '../arguments/define.js';
import { addRangeOptions, type ByteRange, byteRange, type RangeOptions } from '../arguments/range.js';
import { readPieces } from '../devices/byte-io.js';
import { withDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, UsageError } from '../terminal/failure.js';
import { Interruption } from '../terminal/interruption.js';
import { codeOf, isReaderGone, outputFailure } from '../terminal/output.js';

const PIPE = '-';

interface Options extends RangeOptions {
  readonly cache?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function defineRead(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'read <uri> [file]',
    summary: 'Reads a range of any bytes into a new file or, without one or with -, into a pipe.',
    example: 'blockyard read file:/srv/disk.img --offset 1M --length 64K | hexdump -C',
  });
  addRangeOptions(command)
    .option('--force', 'overwrite the file if there is one')
    .addOption(cacheOption())
    .addOption(jsonOption())
    .action((uri: string, file = PIPE, options: Options) => {
      if (file === PIPE && options.json) throw new UsageError('--json needs a file: the pipe is full of data');
      return withDevice(context, uri, { readOnly: true, cache: options.cache }, async (device) => {
        const range = byteRange(options, device.info);
        if (file === PIPE) return readToPipe(context, device, range);
        await readToFile(context, device, range, file, options.force === true);
        const readBytes = range.lengthBytes;
        if (options.json) await context.printJson({ readBytes });
        else await context.print(`read ${formatSize(readBytes)}`);
      });
    });
}

async function readToPipe(context: Context, device: BlockDevice, range: ByteRange): Promise<void> {
  try {
    await send(context, device, range, context.stdout, false);
  } catch (error) {
    if (isBlockError(error) || error instanceof Interruption) throw error;
    if (!isReaderGone(error)) throw outputFailure(error);
    throw new Failure('the reader of the pipe went away before the end', '--length reads less', error);
  }
}

async function readToFile(context: Context, device: BlockDevice, range: ByteRange, file: string, force: boolean) {
  try {
    const there = await stat(file).catch(() => undefined);
    if (there !== undefined && !force) throw isThere(file);
    if (there === undefined) await sendToNew(context, device, range, file);
    else if (there.isFile()) await replace(context, device, range, file, there);
    // A pipe, a terminal, a disk: nothing to replace.
    else await send(context, device, range, createWriteStream(file), true);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw isThere(file);
    if (isBlockError(error) || error instanceof Interruption || error instanceof UsageError) throw error;
    const hint = 'the folder must be there, with room and leave to write';
    throw new Failure(`cannot write the file: ${messageOf(error)}`, hint, error);
  }
}

/** The old file stays until the new one is whole. */
async function replace(context: Context, device: BlockDevice, range: ByteRange, file: string, there: Stats) {
  if (await isFileOf(device, there)) {
    throw new UsageError(`${JSON.stringify(file)} is the device itself`, 'choose another file');
  }
  const target = await realpath(file);
  const fresh = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  await sendToNew(context, device, range, fresh, there.mode);
  await rename(fresh, target);
}

/** A partial file is removed if anything fails: it would look like a whole one. */
async function sendToNew(context: Context, device: BlockDevice, range: ByteRange, file: string, mode?: number) {
  const handle = await open(file, 'wx', mode);
  try {
    await send(context, device, range, handle.createWriteStream({ flush: true }), true);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(file, { force: true });
    throw error;
  }
}

/** Whether the device, raw or cached, lies in that file. */
async function isFileOf({ info }: BlockDevice, { dev, ino }: Stats): Promise<boolean> {
  const [, cached, raw] = /^cache\(file:(.*)\)$|^file:(.*)$/s.exec(info.name) ?? [];
  const path = cached ?? raw;
  const own = path === undefined ? undefined : await stat(path).catch(() => undefined);
  return own?.dev === dev && own.ino === ino;
}

function isThere(file: string): UsageError {
  return new UsageError(`${JSON.stringify(file)} is there already`, 'if it may be overwritten, add --force');
}

async function send(
  context: Context,
  device: BlockDevice,
  range: ByteRange,
  output: Writable,
  end: boolean,
): Promise<void> {
  const pieces = readPieces(device, range, context.interruption);
  const { interruption: signal } = context;
  try {
    await pipeline(Readable.from(pieces, { objectMode: true }), output, { end, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
