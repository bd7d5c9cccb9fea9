import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerStatus } from '@blockyard/page/status';
import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, numberOption } from '../arguments/define.js';
import type { ApiAddress } from '../serve/http/client.js';
import { serverAddress } from '../serve/server-address.js';
import { statusLine, statusText } from '../serve/status/text.js';
import type { Context } from '../terminal/context.js';
import { askStatus } from './status.js';

const CLEAR = '\u001b[H\u001b[J';
/** The terminal's other screen, so that what was there before is there again afterwards. */
const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';

interface Options {
  readonly interval: number;
  readonly count: number;
}

export function defineTop(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'top [server]',
    summary:
      'Shows the status of a running server as it changes, until a signal ends it. Without a terminal, a line each time.',
    example: 'blockyard top 10809',
  })
    .addOption(
      numberOption('--interval <seconds>', 'between two looks (default: 1)', {
        min: 0.1,
        max: 3600,
        fraction: true,
      }).default(1),
    )
    .addOption(
      numberOption('--count <number>', 'looks in all (default: no end)', { min: 1, max: 1e9 }).default(
        Number.POSITIVE_INFINITY,
        'no end',
      ),
    )
    .action((server: string | undefined, options: Options) => top(context, serverAddress(server), options));
}

async function top(context: Context, address: ApiAddress, { interval, count }: Options): Promise<void> {
  const { interruption } = context;
  const isScreen = 'isTTY' in context.stdout && context.stdout.isTTY === true;
  let last: { readonly atMs: number; readonly status: ServerStatus } | undefined;
  try {
    for (let look = 0; look < count && !context.isOver; look++) {
      if (look > 0) await sleep(interval * 1000, undefined, { signal: interruption });
      const now = { atMs: performance.now(), status: await askStatus(address, interruption) };
      const rates = last === undefined ? '' : ratesText(last.status, now.status, (now.atMs - last.atMs) / 1000);
      if (isScreen) {
        const enter = look === 0 ? ENTER : '';
        await context.write(`${enter}${CLEAR}${statusText(now.status)}\n${rates}\n`);
      } else {
        await context.print(`${new Date().toISOString()} ${statusLine(now.status)}${rates === '' ? '' : `; ${rates}`}`);
      }
      last = now;
    }
  } catch (error) {
    // That is how it is meant to end.
    if (!interruption.aborted) throw error;
  } finally {
    if (isScreen && last !== undefined) await context.write(LEAVE);
  }
}

/** What clients did in so many seconds. */
function ratesText({ clients: before }: ServerStatus, { clients: now }: ServerStatus, seconds: number): string {
  const perSecond = (amount: number) => Math.max(0, Math.round(amount / seconds));
  const requests = perSecond(now.requests - before.requests);
  const read = formatSize(perSecond(now.readBytes - before.readBytes));
  const written = formatSize(perSecond(now.writtenBytes - before.writtenBytes));
  return `${requests} requests/s, ${read}/s read, ${written}/s written`;
}
