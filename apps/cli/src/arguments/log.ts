import { type Command, Option } from 'commander';
import { LOG_FORMATS, LOG_LEVELS, type LogLevel, type LogOptions } from '../terminal/log.js';

/** What a command line says of a log. */
export interface LogArguments {
  readonly logFormat: LogOptions['format'];
  readonly logLevel: LogLevel;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function addLogOptions(command: Command): Command {
  const format = new Option(
    '--log-format <format>',
    'of what is told on standard error; auto: pretty on a terminal, else json',
  );
  const level = new Option('--log-level <level>', 'what is less grave is left out');
  return command
    .addOption(format.choices(LOG_FORMATS).default('auto'))
    .addOption(level.choices(LOG_LEVELS).default('info'))
    .option('--quiet', 'as --log-level warn');
}

export function logOptionsOf({ logFormat, logLevel, quiet = false, json = false }: LogArguments): LogOptions {
  return {
    format: logFormat === 'auto' && json ? 'json' : logFormat,
    level: quiet && logLevel !== 'error' ? 'warn' : logLevel,
  };
}
