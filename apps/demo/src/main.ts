import { fileURLToPath } from 'node:url';
import { Cleanup } from './process/cleanup.js';

/** Exit codes of a process that a signal ended, as shells tell them. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** After cleaning up, nothing should keep the process alive. If something does, not for longer than this. */
const LAST_WORK_MS_MAX = 3000;

// Before the SDK is loaded, which reads it then.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { run } = await import('./run.js');

// A reader that has seen enough (`| head`) goes away: no reason to crash.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const cleanup = new Cleanup((message) => process.stderr.write(`${message}\n`));
const interruption = new AbortController();

for (const [signal, exitCode] of Object.entries(SIGNALS)) {
  // Once: a second signal ends the process at once.
  process.once(signal, () => {
    interruption.abort();
    process.stderr.write('\ninterrupted, cleaning up\n');
    process.exitCode = exitCode;
    cleanup.run().finally(() => setTimeout(() => process.exit(), LAST_WORK_MS_MAX).unref());
  });
}

const exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  cleanup,
  interruption: interruption.signal,
  isWatched: process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.CI === undefined,
  serverProgram: fileURLToPath(new URL('./laboratory/server/main.js', import.meta.url)),
});
process.exitCode ??= exitCode;
