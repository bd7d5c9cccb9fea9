import type { Readable, Writable } from 'node:stream';
import type { Log, LogFields } from './log.js';
import { isReaderGone, outputFailure } from './output.js';

/** What a command works with. */
export interface Surroundings {
  readonly stdin: Readable;
  /** Gets what was asked for, and nothing else. */
  readonly stdout: Writable;
  /** Gets progress, events and errors. */
  readonly stderr: Writable;
  /** Fires at the first signal that asks for an end; its reason is an `Interruption`. */
  readonly interruption: AbortSignal;
  /** Fires at the second one. */
  readonly force: AbortSignal;
}

/** How lines begin that warn. */
const WARNING = 'warning: ';

/** The surroundings, with streams that may be closed by their readers at any time. */
export class Context {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly interruption: AbortSignal;
  readonly force: AbortSignal;
  #log: Log | undefined;

  constructor({ stdin, stdout, stderr, interruption, force }: Surroundings) {
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.interruption = interruption;
    this.force = force;
    // A reader that has seen enough (`| head`) is no reason to end a server. `write` reports everything else.
    for (const stream of [stdout, stderr]) stream.on('error', () => {});
  }

  /** Whether the reader of the result is gone. */
  get isOver(): boolean {
    return this.stdout.destroyed;
  }

  /** A part of the result. Resolves when there is room for more, also if no one reads it. Rejects if it cannot be written. */
  async write(text: string): Promise<void> {
    if (this.stdout.destroyed) return;
    const error = await new Promise((resolve) => this.stdout.write(text, resolve));
    if (error instanceof Error && !isReaderGone(error)) throw outputFailure(error);
  }

  /** A line of the result. */
  print(line: string): Promise<void> {
    return this.write(`${line}\n`);
  }

  /** The result for programs. Numbers are in the unit that ends their name. */
  printJson(value: unknown): Promise<void> {
    return this.print(JSON.stringify(value, undefined, 2));
  }

  /** From now on what is for people who watch goes to a log. */
  logTo(log: Log): void {
    this.#log = log;
  }

  /** A line for people who watch; its fields are for programs that do. */
  log(line: string, fields: LogFields = {}): void {
    if (this.#log === undefined) this.stderr.write(`${line}\n`);
    else if (line.startsWith(WARNING)) this.#log.write('warn', line.slice(WARNING.length), fields);
    else this.#log.write('info', line, fields);
  }

  /** How the command failed: `text` is for people, and the rest for a log, if there is one. */
  fail(text: string, { message, ...fields }: LogFields & { readonly message: string }): void {
    if (this.#log === undefined) this.stderr.write(text);
    else this.#log.write('error', message, fields);
  }
}
