import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../run.js';
import type { Surroundings } from '../terminal/context.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node. */
  readonly node?: readonly string[];
}

/** A test that fails must not leave servers behind. */
const children = new Set<ChildProcessWithoutNullStreams>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** The built command in a process of its own. */
export function start(
  args: readonly string[],
  { cwd, env, node = [] }: StartOptions = {},
): ChildProcessWithoutNullStreams {
  // The test runner's NODE_PATH finds packages that the command does not depend on.
  const child = spawn(process.execPath, [...node, MAIN, ...withTextLog(args)], {
    cwd,
    env: { ...process.env, NODE_PATH: '', ...env },
  });
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

/** The same, to its end, with `input` on its standard input. */
export async function blockyard(
  args: readonly string[],
  { input = '', ...options }: StartOptions & { readonly input?: string | Uint8Array } = {},
): Promise<Outcome> {
  const child = start(args, options);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('latin1').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  // A command that does not want its input may be gone before it was written.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

/** The command in this process: quick, for everything that needs no process. */
export async function runHere(
  args: readonly string[],
  interruption: Surroundings['interruption'] = new AbortController().signal,
): Promise<Outcome> {
  const texts = { stdout: '', stderr: '' };
  const streamTo = (name: 'stdout' | 'stderr') =>
    new PassThrough().setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  const stdout = streamTo('stdout');
  const stderr = streamTo('stderr');
  const code = await run(withTextLog(args), {
    stdin: Readable.from([]),
    stdout,
    stderr,
    interruption,
    force: new AbortController().signal,
  });
  await Promise.all([stdout, stderr].map((stream) => once(stream.end(), 'end')));
  return { code, ...texts };
}

/** What a server tells, as plain lines; those that test its log say how themselves. */
function withTextLog(args: readonly string[]): readonly string[] {
  return args[0] !== 'serve' || args.includes('--log-format') ? args : [...args, '--log-format', 'text'];
}

/** A server that has told its URI. */
export interface Serving {
  readonly child: ChildProcessWithoutNullStreams;
  /** First line of its standard output. */
  readonly line: string;
  /** Everything on its standard error so far. */
  stderr(): string;
  /** Its exit code; null if a signal killed it. */
  readonly ended: Promise<number | null>;
}

/** Starts `blockyard serve` and waits for its first line. Rejects if it ends before. */
export async function serve(args: readonly string[], options: StartOptions = {}): Promise<Serving> {
  const child = start(['serve', ...args], options);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => text as string),
    ended.then((code) => {
      throw new Error(`the server ended with ${code}: ${stderr}`);
    }),
  ]);
  return { child, line, stderr: () => stderr, ended };
}

/** A folder for the time of a test file. */
export async function makeFolder(): Promise<{
  readonly path: string;
  in(name: string): string;
  remove(): Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), 'blockyard-cli-'));
  return { path, in: (name) => join(path, name), remove: () => rm(path, { recursive: true, force: true }) };
}
