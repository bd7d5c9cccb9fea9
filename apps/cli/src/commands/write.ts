import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { cacheOption, defineCommand, jsonOption, takeOverOption } from '../arguments/define.js';
import { addRangeOptions, byteRange, type RangeOptions } from '../arguments/range.js';
import { checkFits, writePieces } from '../devices/byte-io.js';
import { withDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf } from '../terminal/failure.js';

const PIPE = '-';

interface Options extends RangeOptions {
  readonly takeOver?: boolean;
  readonly cache?: number;
  readonly json?: boolean;
}

export function defineWrite(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'write <uri> [file]',
    summary:
      'Writes a file or, without one or with -, what comes through a pipe, to any place of a device. Flushes it.',
    example: 'blockyard write file:/srv/disk.img boot.bin --offset 1M',
  });
  addRangeOptions(command)
    .addOption(cacheOption())
    .addOption(takeOverOption())
    .addOption(jsonOption())
    .action(async (uri: string, file = PIPE, options: Options) => {
      const inputBytes = file === PIPE ? undefined : await sizeOfFile(file);
      await withDevice(context, uri, { cache: options.cache, takeOver: options.takeOver }, async (device) => {
        const range = byteRange(options, device.info);
        const isCut = options.length !== undefined;
        if (inputBytes !== undefined && !isCut) checkFits(device, range.offsetBytes, inputBytes);
        const input = new Input(file === PIPE ? context.stdin : createReadStream(file), context.interruption);
        const writtenBytes = await writePieces(device, input.bytes(), range, context.interruption);
        if (options.json) await context.printJson({ writtenBytes });
        else await context.print(`wrote ${formatSize(writtenBytes)}`);
        if (isCut && writtenBytes < range.lengthBytes) {
          throw new Failure(
            `the input ended before the ${range.lengthBytes} bytes of --length`,
            'what came is written',
          );
        }
        if (input.readBytes > writtenBytes && !isCut) {
          throw new Failure('the device ended before the input', '--length takes less of it');
        }
      });
    });
}

/** A stream that counts, and ends at once when the signal fires, also where nothing comes. */
class Input {
  readonly #stream: Readable;
  readonly #signal: AbortSignal;
  readBytes = 0;

  constructor(stream: Readable, signal: AbortSignal) {
    this.#stream = addAbortSignal(signal, stream);
    this.#signal = signal;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    try {
      for await (const bytes of this.#stream) {
        this.readBytes += bytes.byteLength;
        yield bytes;
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    }
  }
}

/** Bytes of a regular file; undefined for what has no size. */
async function sizeOfFile(file: string): Promise<number | undefined> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error('it is a directory');
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    throw new Failure(`cannot read the input: ${messageOf(error)}`, 'is the name right?', error);
  }
}
