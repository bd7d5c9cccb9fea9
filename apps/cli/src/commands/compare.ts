import { compare } from '@blockyard/block';
import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { concurrencyOption, parallelOptions } from '../arguments/parallel-options.js';
import { sizeBytesOf } from '../arguments/range.js';
import { withDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';
import { Failure } from '../terminal/failure.js';
import { withProgress } from '../terminal/progress.js';

interface Options {
  readonly ignoreZeroTail?: boolean;
  readonly concurrency?: number;
  readonly json?: boolean;
}

export function defineCompare(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'compare <a> <b>',
    summary: 'Tells whether two devices hold the same: exit code 0 if they do, 1 if not.',
    example: 'blockyard compare file:/srv/disk.img s3://bucket/disks/web-1',
  })
    .option('--ignore-zero-tail', 'the same, too, if the longer one goes on with zeroes alone')
    .addOption(concurrencyOption())
    .addOption(jsonOption())
    .action((uriA: string, uriB: string, options: Options) =>
      withDevice(context, uriA, { readOnly: true }, (a) =>
        withDevice(context, uriB, { readOnly: true }, async (b) => {
          const { ignoreZeroTail = false, concurrency, json } = options;
          const totalBytes = Math.max(sizeBytesOf(a.info), sizeBytesOf(b.info));
          const { result } = await withProgress(context, 'compare', totalBytes, (progress) =>
            compare(a, b, {
              ...parallelOptions(context, concurrency),
              ignoreZeroTail,
              onProgress: ({ comparedBytes }) => progress.update(comparedBytes),
            }),
          );
          const { firstDifference, comparedBytes } = result;
          if (json) await context.printJson(result);
          else if (result.equal) await context.print(`equal, ${formatSize(comparedBytes)} compared`);
          if (firstDifference === undefined) return;
          const { offsetBytes, sectorOfA, sectorOfB } = firstDifference;
          const [bytesOfA, bytesOfB] = [sizeBytesOf(a.info), sizeBytesOf(b.info)];
          if (offsetBytes >= Math.min(bytesOfA, bytesOfB)) {
            const hint = ignoreZeroTail
              ? `the longer one has data from byte ${offsetBytes} on`
              : '--ignore-zero-tail allows for zeroes';
            throw new Failure(`one is longer than the other: A has ${bytesOfA} bytes, B ${bytesOfB}`, hint);
          }
          throw new Failure(
            `they differ at byte ${offsetBytes} (sector ${sectorOfA} of A, ${sectorOfB} of B)`,
            `"blockyard read URI --offset ${offsetBytes} --length 16" gives the bytes from there on`,
          );
        }),
      ),
    );
}
