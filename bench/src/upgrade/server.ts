import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** The last words of a process that takes over, in their order: before one of them it dies. */
export const LAST_WORDS = ['ready', 'opened', 'taken'] as const;

/** How an upgrade went. */
export interface Upgrade {
  /** Undefined: the new process died, and the old one went on. */
  readonly pausedMs: number | undefined;
}

/** The command as a server that is upgraded again and again. */
export class UpgradedServer {
  /** The NBD URI that clients have. */
  readonly uri: string;
  readonly #args: readonly string[];
  #pid: number;

  private constructor(uri: string, args: readonly string[], pid: number) {
    this.uri = uri;
    this.#args = args;
    this.#pid = pid;
  }

  static async start(args: readonly string[]): Promise<UpgradedServer> {
    const child = spawn(process.execPath, [MAIN, 'serve', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    const line = once(createInterface(child.stdout), 'line').then(([text]) => text as string);
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code}`)));
    const uri = await Promise.race([line, ended]);
    ended.catch(() => {});
    return new UpgradedServer(uri, args, pidOf(child));
  }

  /** Has a new process take over; with `diesBefore`, one that kills itself before it says that. */
  async upgrade(diesBefore?: (typeof LAST_WORDS)[number]): Promise<Upgrade> {
    const node = diesBefore === undefined ? [] : ['--import', dyingBefore(diesBefore)];
    const args = [...node, MAIN, 'serve', ...this.#args, '--upgrade', '--json'];
    const { code, stdout, stderr } = await run(args);
    if (code === 0) {
      const { process: pid, pausedMs } = JSON.parse(stdout) as { readonly process: number; readonly pausedMs: number };
      this.#pid = pid;
      return { pausedMs };
    }
    if (diesBefore !== undefined && /the successor is gone|start of the successor/.test(stderr)) {
      return { pausedMs: undefined };
    }
    throw new Error(`the upgrade failed: ${stderr}`);
  }

  /** Resolves when the last process has ended. */
  async stop(): Promise<void> {
    process.kill(this.#pid, 'SIGTERM');
    while (isAlive(this.#pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  kill(): void {
    if (isAlive(this.#pid)) process.kill(this.#pid, 'SIGKILL');
  }
}

const MAIN = mainOf('@blockyard/cli');

/** The file of a package's command. */
function mainOf(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly bin: Readonly<Record<string, string>> };
  const [file] = Object.values(bin);
  if (file === undefined) throw new Error(`${name} has no command`);
  return join(dirname(manifest), file);
}

function dyingBefore(word: string): string {
  const code = `
    const send = process.send?.bind(process);
    if (send !== undefined) process.send = (message, ...rest) => {
      if (message.type === '${word}') process.kill(process.pid, 'SIGKILL');
      return send(message, ...rest);
    };`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function run(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? 1, stdout, stderr });
    });
  });
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the server was not started');
  return pid;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
