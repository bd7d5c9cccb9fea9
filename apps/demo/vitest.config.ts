import base from '../../vitest.base.ts';

export default base({
  // Mostly they wait for programs that they start.
  maxWorkers: 2,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
});
