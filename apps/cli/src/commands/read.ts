import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { readPieces } from '../byte-io.js';
import type { Context } from '../context.js';
import { cacheOption, defineCommand, jsonOption } from '../define.js';
import { withDevice } from '../device.js';
import { Failure, messageOf, UsageError } from '../failure.js';
import { Interruption } from '../interruption.js';
import { codeOf, isReaderGone, outputFailure } from '../output.js';
import { addRangeOptions, type ByteRange, byteRange, type RangeOptions } from '../range.js';

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
  const output = createWriteStream(file, { flags: force ? 'w' : 'wx', flush: true });
  try {
    await send(context, device, range, output, true);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      throw new UsageError(`${JSON.stringify(file)} is there already`, 'if it may be overwritten, add --force');
    }
    // Half a file that looks like a whole one helps nobody. One that was there before is not ours to remove.
    if (!force && !output.pending) await rm(file, { force: true });
    if (isBlockError(error) || error instanceof Interruption) throw error;
    const hint = 'the folder must be there, with room and leave to write';
    throw new Failure(`cannot write the file: ${messageOf(error)}`, hint, error);
  }
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
