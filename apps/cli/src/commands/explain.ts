import type { Command } from 'commander';
import { defineCommand, exportOption, jsonOption, numberOption } from '../arguments/define.js';
import { sharesText, slowestText } from '../explain/text.js';
import { EXPLAIN_PATH, EXPLAIN_SECONDS_MAX, EXPLAIN_SECONDS_MIN, type Explanation } from '../serve/explain.js';
import { askServer } from '../serve/http/client.js';
import { serverAddress } from '../serve/server-address.js';
import type { Context } from '../terminal/context.js';

/** As many of the slowest are listed for people. */
const LISTED_MAX = 10;

interface Options {
  readonly seconds: number;
  readonly export?: string;
  readonly json?: boolean;
}

export function defineExplain(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'explain [server]',
    summary:
      'Looks at the requests of a running server for some seconds, and tells what the slowest spent their time in: queue, single flight, first byte, transfer, check.',
    example: 'blockyard explain /run/web-1.sock --seconds 30',
  })
    .addOption(
      numberOption('--seconds <seconds>', 'how long', {
        min: EXPLAIN_SECONDS_MIN,
        max: EXPLAIN_SECONDS_MAX,
        fraction: true,
      }).default(10),
    )
    .addOption(exportOption())
    .addOption(jsonOption())
    .action((server: string | undefined, options: Options) => explain(context, server, options));
}

async function explain(context: Context, server: string | undefined, options: Options): Promise<void> {
  const query = new URLSearchParams({ seconds: String(options.seconds) });
  if (options.export !== undefined) query.set('export', options.export);
  const path = `${EXPLAIN_PATH}?${query}`;
  const found = await askServer<Explanation>(serverAddress(server), 'GET', path, undefined, context.interruption);
  if (options.json === true) return context.printJson(found);
  const { requests, seconds, explained } = found;
  await context.print(`${requests} requests in ${seconds.toFixed(1)} s`);
  if (explained.length === 0) return;
  await context.print(sharesText(explained));
  await context.print(slowestText(explained.slice(0, LISTED_MAX)));
}
