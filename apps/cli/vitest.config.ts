import base from '../../vitest.base.ts';

export default base({
  // Mostly they wait for programs that they start.
  maxWorkers: 2,
  env: {
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    // For stores that no one reaches: no request is made without any.
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  },
});
