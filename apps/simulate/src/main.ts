process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
// After that is set: the SDK reads it when it is loaded.
const { run } = await import('./run.js');
process.exitCode = await run(process.argv.slice(2), process);

export {};
