import base from '../../vitest.base.ts';

export default base({
  testTimeout: 300_000,
  hookTimeout: 300_000,
  // Mostly they wait for the store.
  maxWorkers: 3,
  // Some tests put modules in the place of others.
  isolate: true,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
});
