import { Cleanup } from './cleanup.js';

/** Exit codes of a process that a signal ended, as shells tell them. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

// Before the SDK is loaded, which reads it then.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { run } = await import('./run.js');

const cleanup = new Cleanup((message) => process.stderr.write(`${message}\n`));

for (const [signal, exitCode] of Object.entries(SIGNALS)) {
  // Once: a second signal ends the process at once.
  process.once(signal, () => {
    process.stderr.write('\ninterrupted, cleaning up\n');
    cleanup.run().finally(() => process.exit(exitCode));
  });
}

process.exitCode = await run(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, cleanup });
