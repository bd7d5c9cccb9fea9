import { formatSize } from '@blockyard/uri';
import { CommanderError } from 'commander';
import { parseArguments } from './arguments.js';
import { type BackendResult, demonstrate } from './demonstrate.js';
import { findInput } from './inputs/input.js';
import type { Settings } from './inputs/settings.js';
import { openPlace } from './places/index.js';
import type { Cleanup } from './process/cleanup.js';
import { Progress } from './progress.js';
import { jsonOf, tableOf } from './report.js';
import { showPage } from './show-page.js';

export interface Surroundings {
  /** Gets the table or the JSON, and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Gets the progress, and errors. */
  readonly stderr: NodeJS.WritableStream;
  /** Run at the end, however it comes. */
  readonly cleanup: Cleanup;
  /** Fired when cleaning up began elsewhere: what fails from then on is no fault. */
  readonly interruption?: AbortSignal;
  /** Whether someone looks at what is printed. Default: false. */
  readonly isWatched?: boolean;
  /** Path of the script of the laboratory's server. Needed for the page. */
  readonly serverProgram?: string;
  /** Default: the real ones. */
  readonly openPlace?: typeof openPlace;
}

/** The demonstration. Gives the exit code: 0 all verified, 1 something differs or failed, 2 wrong usage. Never rejects. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr, cleanup } = surroundings;
  const progress = new Progress(stderr);
  try {
    const settings = parseArguments(args, {
      stdout: (text) => stdout.write(text),
      stderr: (text) => stderr.write(text),
      isWatched: surroundings.isWatched ?? false,
    });
    const isVerified = await show(settings, surroundings, progress);
    const wrongReads = settings.page === undefined ? 0 : await showPage(settings.page, surroundings);
    return isVerified && wrongReads === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    progress.stop();
    if (surroundings.interruption?.aborted) return 1;
    stderr.write(`error: ${oneLine(error)}\n`);
    return 1;
  } finally {
    await cleanup.run();
  }
}

async function show(settings: Settings, surroundings: Surroundings, progress: Progress): Promise<boolean> {
  const { stdout, cleanup } = surroundings;
  const input = await findInput(settings.inputPath);
  progress.say(
    `input: ${input.description} (${formatSize(input.lengthBytes)}); caches of ${formatSize(settings.cacheBytes)}`,
  );
  const results: BackendResult[] = [];
  for (const backend of settings.backends) {
    const place = await (surroundings.openPlace ?? openPlace)(backend, settings, cleanup);
    surroundings.interruption?.throwIfAborted();
    const own = cleanup.child();
    results.push(await demonstrate(place, input, settings, own, progress));
    await own.run();
  }
  stdout.write(`${settings.json ? jsonOf(results, input, settings) : tableOf(results)}\n`);
  return results.every(({ verified }) => verified);
}

function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s*\n\s*/g, ' ');
}
