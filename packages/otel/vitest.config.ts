import base from '../../vitest.base.ts';

export default base({
  // Mostly they wait for the store.
  maxWorkers: 3,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
});
