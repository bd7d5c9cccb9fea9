import type { Writable } from 'node:stream';
import type { LoggerOptions } from 'pino';

export const LOG_FORMATS = ['auto', 'json', 'pretty', 'text'] as const;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];
/** What a record has beside its message: plain data. Nothing that is a secret is ever a field. */
export type LogFields = Readonly<Record<string, unknown>>;
export interface Log {
  write(level: LogLevel, message: string, fields: LogFields): void;
  /** From now on what is less grave is left out. */
  setLevel(level: LogLevel): void;
}

export interface LogOptions {
  /**
   * `json`: an object in a line; `pretty`: with the time, for people; `text`: the message alone, where something else adds the time; `auto`:
   * `pretty` on a terminal, else `json`.
   */
  readonly format: (typeof LOG_FORMATS)[number];
  /** What is less grave is left out. */
  readonly level: LogLevel;
}

/** A log on a stream. Records have `level`, `time` (ISO 8601), `pid` and `msg`, and fields of their own. */
export async function openLog(stream: Writable, { format, level }: LogOptions): Promise<Log> {
  // Loaded only where it is used.
  const { pino, stdTimeFunctions } = await import('pino');
  const isTerminal = 'isTTY' in stream && stream.isTTY === true;
  const chosen = format === 'auto' ? (isTerminal ? 'pretty' : 'json') : format;
  const options: LoggerOptions = {
    level,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const write = (line: string) => void stream.write(chosen === 'json' ? line : forPeople(line, chosen === 'pretty'));
  const logger = pino(options, { write });
  return {
    write: (recordLevel, message, fields) => logger[recordLevel](fields, message),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}

interface LogRecord {
  readonly level: LogLevel;
  readonly time: string;
  readonly msg: string;
  readonly hint?: string;
  /** The same at length. */
  readonly stack?: string;
}

/** A record as a line; what it warns of is said in words. */
function forPeople(line: string, withTime: boolean): string {
  const { level, time, msg, hint, stack } = JSON.parse(line) as LogRecord;
  if (stack !== undefined) return stack;
  const help = hint === undefined ? '' : ` (hint: ${hint})`;
  const text = level === 'warn' ? `warning: ${msg}` : level === 'error' ? `error: ${msg}${help}` : msg;
  return withTime ? `${time.slice(11, 23)} ${text}\n` : `${text}\n`;
}
