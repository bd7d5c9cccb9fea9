#!/usr/bin/env node

/** After the last work nothing should keep the process alive. If something does, not for longer than this. */
const LAST_WORK_MS_MAX = 3000;
/** The same after a signal: then it is a connection that was being made, which no one waits for any longer. */
const INTERRUPTED_WORK_MS_MAX = 100;
/** What a second signal leaves for ending by force. */
const FORCE_MS_MAX = 1000;

// Before the SDK is loaded, which reads it then.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { run } = await import('./run.js');
const { hangUp } = await import('./terminal/hang-up.js');
const { Interruption, SIGNALS } = await import('./terminal/interruption.js');

const interruption = new AbortController();
const force = new AbortController();

for (const signal of SIGNALS) {
  process.on(signal, () => {
    if (signal === 'SIGHUP' && hangUp()) return;
    if (interruption.signal.aborted) {
      force.abort();
      setTimeout(() => process.exit(1), FORCE_MS_MAX);
    }
    interruption.abort(new Interruption(signal));
  });
}

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  interruption: interruption.signal,
  force: force.signal,
});
// A pipe that no one reads to its end.
process.stdin.unref?.();
const lastWorkMs = interruption.signal.aborted ? INTERRUPTED_WORK_MS_MAX : LAST_WORK_MS_MAX;
setTimeout(() => process.exit(), lastWorkMs).unref();

export {};
