import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { URI_HELP } from './arguments/define.js';
import { defineAdvise } from './commands/advise.js';
import { defineBench } from './commands/bench.js';
import { defineCheck } from './commands/check.js';
import { defineClone } from './commands/clone.js';
import { defineCompact } from './commands/compact.js';
import { defineCompare } from './commands/compare.js';
import { defineCompletion } from './commands/completion.js';
import { defineCopy } from './commands/copy.js';
import { defineCreate } from './commands/create.js';
import { defineDelete } from './commands/delete.js';
import { defineDiscard } from './commands/discard.js';
import { defineDrain } from './commands/drain.js';
import { defineExplain } from './commands/explain.js';
import { defineInfo } from './commands/info.js';
import { defineList } from './commands/list.js';
import { defineMap } from './commands/map.js';
import { defineRead } from './commands/read.js';
import { defineReplay } from './commands/replay.js';
import { defineReport } from './commands/report.js';
import { defineResize } from './commands/resize.js';
import { defineRollback } from './commands/rollback.js';
import { defineServe } from './commands/serve.js';
import { defineSnapshot } from './commands/snapshot.js';
import { defineSnapshots } from './commands/snapshots.js';
import { defineStatus } from './commands/status.js';
import { defineTop } from './commands/top.js';
import { defineUpgrade } from './commands/upgrade.js';
import { defineWrite } from './commands/write.js';
import { loadBackends } from './devices/backends.js';
import type { Context } from './terminal/context.js';
import { jsonEndingOf, oneLine, USAGE_HINT, UsageError } from './terminal/failure.js';

const COMMANDS = [
  defineCreate,
  defineInfo,
  defineServe,
  defineStatus,
  defineTop,
  defineExplain,
  defineUpgrade,
  defineCopy,
  defineCompare,
  defineMap,
  defineResize,
  defineDiscard,
  defineCheck,
  defineBench,
  defineReplay,
  defineReport,
  defineAdvise,
  defineRead,
  defineWrite,
  defineList,
  defineSnapshot,
  defineSnapshots,
  defineClone,
  defineRollback,
  defineDelete,
  defineCompact,
  defineDrain,
  defineCompletion,
];

/** The command line's grammar, which writes help and usage errors to the context's streams; the latter as JSON if so wanted. */
export function makeProgram(context: Context, isJson: boolean): Command {
  const program = new Command('blockyard')
    .description('Creates, serves, copies, compares and measures block devices.')
    .version(versionOf(new URL('../package.json', import.meta.url)))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) =>
        write(isJson ? jsonEndingOf(usageErrorOf(text)).text : `${oneLine(text)} (hint: ${USAGE_HINT})\n`),
    })
    .addHelpText('after', URI_HELP)
    .hook('preAction', (_program, command) =>
      loadBackends(command.opts<{ backend?: readonly string[] }>().backend ?? []),
    );
  // What is set up above is handed down to commands that are made by `program.command`.
  for (const define of COMMANDS) define(program, context);
  return program;
}

/** What commander tells of a command line. */
function usageErrorOf(text: string): UsageError {
  return new UsageError(text.replace(/^error: /, ''));
}

function versionOf(packageJson: URL): string {
  return (JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string }).version;
}
