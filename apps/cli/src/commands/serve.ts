import { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { addServerOptions, addVolumeOptions } from '../arguments/serve.js';
import { refuseToSucceed } from '../serve/begin.js';
import { checkPlan } from '../serve/config/check.js';
import { keysOf } from '../serve/config/keys.js';
import type { Plan, ServerOptions, VolumeOptions } from '../serve/config/options.js';
import { type Grammar, readPlan } from '../serve/config/plan.js';
import { serve } from '../serve/serve.js';
import { ownProgram } from '../serve/successor.js';
import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';
import { upgrade } from './upgrade.js';

interface Options extends ServerOptions, VolumeOptions {
  readonly name: string;
  readonly config?: string;
  readonly check?: boolean;
  readonly upgrade?: boolean;
  readonly dryRun?: boolean;
}

export function defineServe(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'serve [uri]',
    summary:
      'Serves a device over NBD, or all that a configuration file names, until SIGTERM or SIGINT, then flushes. Prints the NBD URI; events go to stderr.',
    example:
      'blockyard serve s3://bucket/disks/web-1 --cache 256M --nbd unix:/run/web-1.sock\n  blockyard serve --config /etc/blockyard/volumes.toml',
  })
    .option('--config <file>', 'serve the volumes of this file, TOML: options at the top, a table for each volume')
    .option('--check', 'with --config: only see whether the file makes sense')
    .option('--name <name>', 'name of the export', '');
  addServerOptions(addVolumeOptions(command))
    .option('--upgrade', 'take the place of the server that listens there; its clients keep their connections')
    .option('--dry-run', 'with --upgrade: only see whether that would work')
    .addOption(jsonOption())
    .action(async (uri: string | undefined, options: Options) => {
      try {
        await carryOut(uri, options);
      } catch (error) {
        await refuseToSucceed(error);
        throw error;
      }
    });

  async function carryOut(uri: string | undefined, options: Options): Promise<void> {
    const plan = await planOf(command, uri, options);
    if (options.check === true) return check(context, plan, options);
    if (options.upgrade === true) {
      return upgrade(context, plan.server.nbd, options, ownProgram(['--upgrade', '--dry-run']));
    }
    if (options.dryRun === true) throw new UsageError('--dry-run goes with --upgrade');
    return serve(context, plan, program.version() ?? '');
  }
}

async function planOf(command: Command, uri: string | undefined, options: Options): Promise<Plan> {
  const { config } = options;
  if (config === undefined) {
    if (uri === undefined) throw new UsageError('the URI of a device, or --config FILE, must say what is to be served');
    if (options.check === true) throw new UsageError('--check goes with --config');
    return { server: options, volumes: [{ name: options.name, uri, options }] };
  }
  if (uri !== undefined) throw new UsageError('--config names the devices: there is no URI beside it');
  const grammar: Grammar = {
    server: keysOf(addServerOptions(new Command())),
    volume: keysOf(addVolumeOptions(new Command())),
  };
  return readPlan(config, grammar, givenOf(command, grammar, options));
}

/** What the command line says of the server beside a file. Throws a `UsageError` for what belongs in the table of a volume. */
function givenOf(command: Command, { volume }: Grammar, options: Options): Partial<ServerOptions> {
  const given = Object.entries(options).filter(([name]) => command.getOptionValueSource(name) === 'cli');
  const ofVolumes = [...volume].find(([, option]) => given.some(([name]) => name === option.attributeName()));
  const misplaced = ofVolumes?.[0] ?? given.find(([name]) => name === 'name')?.[0];
  if (misplaced !== undefined) throw new UsageError(`--${misplaced} belongs in the table of a volume in the file`);
  return Object.fromEntries(given);
}

async function check(context: Context, plan: Plan, { config, json }: Options): Promise<void> {
  await checkPlan(plan);
  const names = plan.volumes.map(({ name }) => name);
  if (json === true) return context.printJson({ config, volumes: names });
  await context.print(`${config} makes sense: ${names.map((name) => JSON.stringify(name)).join(', ')}`);
}
