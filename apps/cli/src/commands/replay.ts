import type { Command } from 'commander';
import { cacheOption, defineCommand, jsonOption, numberOption, takeOverOption } from '../arguments/define.js';
import { pricesOption, readPrices } from '../arguments/prices.js';
import { sizeBytesOf } from '../arguments/range.js';
import { using } from '../devices/device.js';
import { Explaining } from '../explain/explaining.js';
import { explained, explainOption } from '../explain/option.js';
import { sharesText } from '../explain/text.js';
import { summaryOf } from '../load/latency.js';
import { connectMeasured, costsOf } from '../load/measured.js';
import { openTrace } from '../load/open-trace.js';
import { checkOverwrite, overwriteOption } from '../load/overwrite.js';
import { endOf, replay, TIMED_DEPTH_MAX } from '../load/replay.js';
import { reportOf } from '../load/report.js';
import { recordOf } from '../load/run-record.js';
import { runsReport } from '../report/runs.js';
import { checkReport, reportOption, writeReport } from '../report/write-report.js';
import type { Context } from '../terminal/context.js';
import { oneLine, UsageError } from '../terminal/failure.js';

const DEPTH = 16;

interface Options {
  readonly takeOver?: boolean;
  readonly asFastAsPossible?: boolean;
  readonly depth?: number;
  readonly cache?: number;
  readonly overwrite?: boolean;
  readonly prices?: string;
  readonly report?: string;
  readonly explain?: boolean;
  readonly json?: boolean;
}

export function defineReplay(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'replay <trace> <uri>',
    summary: 'Sends the requests of a trace file (BTR1 or CSV, gzip or not) to a device, and flushes it.',
    example: 'blockyard replay web.btr.gz memory:?size=64G --cache 256M',
  })
    .option('--as-fast-as-possible', 'do not keep the times of the trace (default where it has none)')
    .addOption(
      numberOption('--depth <count>', `requests in flight (default: ${DEPTH}; with times, as many as they ask for)`, {
        min: 1,
        max: TIMED_DEPTH_MAX,
      }),
    )
    .addOption(cacheOption())
    .addOption(overwriteOption())
    .addOption(takeOverOption())
    .addOption(pricesOption())
    .addOption(explainOption())
    .addOption(reportOption())
    .addOption(jsonOption())
    .action((file: string, uri: string, options: Options) =>
      replayFile(context, file, uri, options, program.version() ?? ''),
    );
}

async function replayFile(
  context: Context,
  file: string,
  uri: string,
  options: Options,
  version: string,
): Promise<void> {
  await checkReport(options.report);
  const prices = await readPrices(options.prices);
  const trace = await openTrace(file);
  const hasWrites = trace.writes.includes(1);
  if (hasWrites) checkOverwrite(uri, options.overwrite);
  const explaining = options.explain === true ? await Explaining.begin() : undefined;
  const measured = await connectMeasured(context, uri, {
    explaining,
    cache: options.cache,
    takeOver: options.takeOver,
    readOnly: !hasWrites,
  });
  await using(context, measured.device, async (device) => {
    const endBytes = endOf(trace);
    if (endBytes > sizeBytesOf(device.info)) {
      throw new UsageError(
        `the trace needs ${endBytes} bytes`,
        'the device must be as large as that, in whole sectors',
      );
    }
    const timed = trace.timesMs !== undefined && options.asFastAsPossible !== true;
    const { depth = timed ? TIMED_DEPTH_MAX : DEPTH } = options;
    const startedAt = new Date().toISOString();
    const result = await replay(device, trace, { depth, timed, signal: context.interruption });
    const flushStartMs = performance.now();
    if (hasWrites) await device.flush();
    const flushSeconds = (performance.now() - flushStartMs) / 1000;
    const { seconds, requests, lateMsMax } = result;
    const summaries = { reads: summaryOf(result.reads, seconds), writes: summaryOf(result.writes, seconds) };
    const costs = costsOf(measured, prices);
    const timing = timed ? 'original' : 'as fast as possible';
    const measurements = {
      seconds,
      flushSeconds,
      ...summaries,
      timeline: result.timeline.summary(),
      ...explained(explaining),
    };
    const what = `${oneLine(trace.name)}, ${timed ? 'as it was timed' : `as fast as possible, ${depth} at once`}`;
    const record = recordOf({ version, command: 'replay', what, startedAt }, measured, measurements, costs);
    if (options.report !== undefined)
      await writeReport(options.report, runsReport([{ name: 'this run', run: record }]));
    if (options.json) {
      const facts = { trace: trace.name, timing, requests, lateMsMax: timed ? lateMsMax : null };
      return context.printJson({ ...facts, ...record });
    }
    await context.print(`${oneLine(trace.name)}: ${requests} requests in ${seconds.toFixed(2)} s, timing: ${timing}`);
    await context.print(reportOf(summaries, costs));
    if (record.explained !== undefined) await context.print(sharesText(record.explained));
    if (timed) await context.print(`the latest request was sent ${lateMsMax.toFixed(1)} ms late`);
  });
}
