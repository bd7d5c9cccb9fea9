import base from '../../vitest.base.ts';

export default base({
  testTimeout: 600_000,
  hookTimeout: 600_000,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
});
