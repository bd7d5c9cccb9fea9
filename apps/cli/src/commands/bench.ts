import { type DeviceInfo, SECTOR_SIZE_MIN } from '@blockyard/block';
import { formatSize } from '@blockyard/uri';
import { type Command, Option } from 'commander';
import {
  cacheOption,
  defineCommand,
  jsonOption,
  numberOption,
  sizeOption,
  takeOverOption,
} from '../arguments/define.js';
import { pricesOption, readPrices } from '../arguments/prices.js';
import { sizeBytesOf } from '../arguments/range.js';
import { using } from '../devices/device.js';
import { Explaining } from '../explain/explaining.js';
import { explained, explainOption } from '../explain/option.js';
import { sharesText } from '../explain/text.js';
import { summaryOf } from '../load/latency.js';
import { type Load, PATTERNS, type Pattern, runLoad } from '../load/load.js';
import { connectMeasured, costsOf } from '../load/measured.js';
import { checkOverwrite, overwriteOption } from '../load/overwrite.js';
import { reportOf } from '../load/report.js';
import { recordOf } from '../load/run-record.js';
import { runsReport } from '../report/runs.js';
import { checkReport, reportOption, writeReport } from '../report/write-report.js';
import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';

const IN_FLIGHT_BYTES_MAX = 2 ** 30;
const BLOCK_BYTES_MAX = 64 * 2 ** 20;

interface Options {
  readonly takeOver?: boolean;
  readonly pattern: Pattern;
  readonly block: number;
  readonly depth: number;
  readonly readShare: number;
  readonly seconds: number;
  readonly size?: number;
  readonly seed: number;
  readonly cache?: number;
  readonly overwrite?: boolean;
  readonly prices?: string;
  readonly report?: string;
  readonly explain?: boolean;
  readonly json?: boolean;
}

export function defineBench(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'bench <uri>',
    summary: 'Measures a device under a load, and flushes it. Writes, if there are any, overwrite what is on it.',
    example:
      'blockyard bench memory:?size=1G --pattern zipf --block 4K --depth 16 --read-share 70 --seconds 5 --cache 64M',
  })
    .addOption(new Option('--pattern <name>', 'which blocks').choices(PATTERNS).default('random'))
    .addOption(sizeOption('--block <size>', 'bytes of each operation').default(4096, '4K'))
    .addOption(numberOption('--depth <count>', 'operations in flight', { min: 1, max: 1024 }).default(16))
    .addOption(numberOption('--read-share <percent>', 'reads; the rest are writes', { min: 0, max: 100 }).default(100))
    .addOption(numberOption('--seconds <seconds>', 'how long', { min: 0.01, max: 86_400, fraction: true }).default(10))
    .addOption(sizeOption('--size <size>', 'how much of the device, from its start (default: all)'))
    .addOption(numberOption('--seed <number>', 'seed of all random choices', { min: 0, max: 2 ** 31 - 1 }).default(1))
    .addOption(cacheOption())
    .addOption(overwriteOption())
    .addOption(takeOverOption())
    .addOption(pricesOption())
    .addOption(explainOption())
    .addOption(reportOption())
    .addOption(jsonOption())
    .action((uri: string, options: Options) => bench(context, uri, options, program.version() ?? ''));
}

async function bench(context: Context, uri: string, options: Options, version: string): Promise<void> {
  const writes = options.readShare < 100;
  if (writes) checkOverwrite(uri, options.overwrite);
  await checkReport(options.report);
  const prices = await readPrices(options.prices);
  const explaining = options.explain === true ? await Explaining.begin() : undefined;
  const measured = await connectMeasured(context, uri, {
    explaining,
    cache: options.cache,
    takeOver: options.takeOver,
    readOnly: !writes,
  });
  await using(context, measured.device, async (device) => {
    const load = loadOf(options, device.info);
    const startedAt = new Date().toISOString();
    const result = await runLoad(device, load, context.interruption);
    const flushStartMs = performance.now();
    if (writes) await device.flush();
    const flushSeconds = (performance.now() - flushStartMs) / 1000;
    const { seconds } = result;
    const summaries = { reads: summaryOf(result.reads, seconds), writes: summaryOf(result.writes, seconds) };
    const costs = costsOf(measured, prices);
    const measurements = {
      seconds,
      flushSeconds,
      ...summaries,
      timeline: result.timeline.summary(),
      ...explained(explaining),
    };
    const run = { version, command: 'bench', what: loadText(load), startedAt } as const;
    const record = recordOf(run, measured, measurements, costs);
    if (options.report !== undefined)
      await writeReport(options.report, runsReport([{ name: 'this run', run: record }]));
    if (options.json) await context.printJson({ ...load, ...record });
    else {
      await context.print(reportOf(summaries, costs));
      if (record.explained !== undefined) await context.print(sharesText(record.explained));
      if (writes) await context.print(`the flush at the end took ${flushSeconds.toFixed(3)} s`);
    }
  });
}

/** `zipf, 4 KiB, 16 at once, 70 % reads, over 1 GiB`. */
function loadText({ pattern, blockBytes, blocks, depth, readShare }: Load): string {
  const share = Number((100 * readShare).toFixed(1));
  return `${pattern}, ${formatSize(blockBytes)}, ${depth} at once, ${share} % reads, over ${formatSize(blocks * blockBytes)}`;
}

function loadOf(options: Options, info: DeviceInfo): Load {
  const { pattern, block, depth, readShare, seconds, size = sizeBytesOf(info), seed } = options;
  if (block < SECTOR_SIZE_MIN || block > BLOCK_BYTES_MAX || block % info.sectorSize !== 0) {
    throw new UsageError(`--block must be whole sectors of ${info.sectorSize} bytes, at most 64M`);
  }
  if (block * depth > IN_FLIGHT_BYTES_MAX) {
    throw new UsageError('--block times --depth must be at most 1G', 'that much memory is filled with data in flight');
  }
  if (size > sizeBytesOf(info))
    throw new UsageError(`--size ${size} is more than the device's ${sizeBytesOf(info)} bytes`);
  const blocks = Math.floor(size / block);
  if (blocks === 0) throw new UsageError(`a block of ${block} bytes does not fit into ${size} bytes`);
  return { pattern, blockBytes: block, blocks, depth, readShare: readShare / 100, seconds, seed };
}
