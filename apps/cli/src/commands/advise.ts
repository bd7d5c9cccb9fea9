import type { S3_STANDARD_PRICES } from '@blockyard/object-store';
import { formatSize, parseSize } from '@blockyard/uri';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { advise, shareOf, type Trial, workOf } from '../advise/advise.js';
import { LAYOUTS, type Layout } from '../advise/layouts.js';
import { recommend } from '../advise/recommend.js';
import { SECTOR_BYTES } from '../advise/simulate.js';
import { defineCommand, jsonOption, numberOption } from '../arguments/define.js';
import { pricesOption, readPrices } from '../arguments/prices.js';
import { openTrace } from '../load/open-trace.js';
import { adviceReport, costOfTrial } from '../report/advice.js';
import { checkReport, reportOption, writeReport } from '../report/write-report.js';
import type { Context } from '../terminal/context.js';
import { formatUsd } from '../terminal/dollars.js';
import { messageOf, oneLine, UsageError } from '../terminal/failure.js';
import { withProgress } from '../terminal/progress.js';
import { plainTable } from '../terminal/table.js';
import { hasByteAddresses } from '../trace/trace.js';

const CACHES = ['16M', '64M', '256M', '1G'];
const LINES = ['16K', '64K', '256K'];
const SIZES_MAX = 8;
const LINE_BYTES_MAX = 16 * 2 ** 20;

interface Options {
  readonly caches: readonly number[];
  readonly lines: readonly number[];
  readonly layout?: Layout;
  readonly sample?: number;
  readonly prices?: string;
  readonly report?: string;
  readonly json?: boolean;
}

export function defineAdvise(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'advise <trace>',
    summary:
      'Tells what caches, sizes of lines and layouts would make of a trace: hits, requests and dollars, and what is enough. Sends it to the cache itself, over nothing.',
    example: 'blockyard advise web.btr.gz --caches 64M,256M,1G --lines 64K',
  })
    .addOption(sizesOption('--caches <sizes>', 'sizes of the cache, with commas between', CACHES))
    .addOption(sizesOption('--lines <sizes>', 'sizes of its lines, powers of two', LINES))
    .addOption(new Option('--layout <layout>', 'of the volume (default: both)').choices(LAYOUTS))
    .addOption(
      numberOption('--sample <percent>', 'how much of the device is looked at (default: all; less of a huge trace)', {
        min: 0.1,
        max: 100,
        fraction: true,
      }),
    )
    .addOption(pricesOption())
    .addOption(reportOption())
    .addOption(jsonOption())
    .action((file: string, options: Options) => adviseOn(context, file, options));
}

function sizesOption(flags: string, description: string, defaults: readonly string[]): Option {
  const [name = flags] = flags.split(' ');
  const parse = (text: string) => {
    const parts = text.split(',');
    if (parts.length > SIZES_MAX) throw new InvalidArgumentError(`It must have at most ${SIZES_MAX} sizes.`);
    try {
      return [...new Set(parts.map((part) => parseSize(part, name)))].sort((a, b) => a - b);
    } catch (error) {
      throw new InvalidArgumentError(`${messageOf(error)}.`);
    }
  };
  return new Option(flags, description).argParser(parse).default(parse(defaults.join(',')), defaults.join(','));
}

async function adviseOn(context: Context, file: string, options: Options): Promise<void> {
  const { caches, lines, layout } = options;
  for (const line of lines) {
    if (!Number.isInteger(Math.log2(line)) || line < SECTOR_BYTES || line > LINE_BYTES_MAX) {
      throw new UsageError(`--lines must be powers of two from ${SECTOR_BYTES} to ${formatSize(LINE_BYTES_MAX)}`);
    }
  }
  await checkReport(options.report);
  const prices = await readPrices(options.prices);
  const trace = await openTrace(file);
  const share = options.sample === undefined ? shareOf(trace) : options.sample / 100;
  const choices = { cacheSizes: caches, lineSizes: lines, layouts: layout === undefined ? LAYOUTS : [layout], share };
  const { result: trials } = await withProgress(context, 'simulated', workOf(trace, choices), (progress) => {
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      progress.update(done);
    };
    return advise(trace, choices, { signal: context.interruption, onBytes });
  });
  const advice = recommend(trials, prices);
  const name = oneLine(trace.name);
  if (options.report !== undefined) await writeReport(options.report, adviceReport(name, trials, advice, prices));
  if (options.json) {
    const rows = trials.map((trial) => {
      const { counts, ...facts } = trial;
      const cost = costOfTrial(trial, prices);
      return { ...facts, ...counts, ...(cost === undefined ? {} : { cost }) };
    });
    const { trial, shareOfBest = null, text = null } = advice ?? {};
    const recommendation = {
      cacheBytes: trial?.cacheBytes,
      lineBytes: trial?.lineBytes,
      layout: trial?.layout,
      shareOfBest,
      text,
    };
    return context.printJson({
      trace: trace.name,
      requests: trace.offsets.length,
      share,
      trials: rows,
      recommendation,
    });
  }
  await context.print(tableOf(trials, prices));
  const notes = [
    ...(hasByteAddresses(trace)
      ? []
      : ['the addresses of this trace are page numbers: larger lines may be worth more or less']),
    ...(share < 1
      ? [`a sample of ${(100 * share).toFixed(1)} % of the device: the last column is how two samples differ`]
      : []),
    'requests are without flushes, checkpoints and cleaning',
  ];
  for (const note of notes) await context.print(note);
  if (advice !== undefined) await context.print(advice.text);
}

function tableOf(trials: readonly Trial[], prices: typeof S3_STANDARD_PRICES | undefined): string {
  const isSampled = trials.some(({ sampleDifference }) => sampleDifference !== 0);
  const head = ['layout', 'cache', 'lines', 'hits', 'get', 'put', 'down', 'up'];
  if (prices !== undefined) head.push('dollars');
  if (isSampled) head.push('+-');
  const rows = trials.map((trial) => {
    const { layout, cacheBytes, lineBytes, hitRatio, counts, sampleDifference } = trial;
    return [
      layout,
      cacheBytes === null ? 'none' : formatSize(cacheBytes),
      lineBytes === null ? '' : formatSize(lineBytes),
      hitRatio === null ? '' : hitRatio.toFixed(4),
      counts.requests.get,
      counts.requests.put,
      formatSize(counts.downloadBytes),
      formatSize(counts.uploadBytes),
      ...(prices === undefined ? [] : [formatUsd(costOfTrial(trial, prices)?.totalUsd ?? 0)]),
      ...(isSampled ? [sampleDifference === null ? '?' : sampleDifference.toFixed(4)] : []),
    ];
  });
  return plainTable(rows, { head, align: head.map((_, column) => (column === 0 ? 'left' : 'right')) });
}
