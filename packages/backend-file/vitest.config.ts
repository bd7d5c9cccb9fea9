import base from '../../vitest.base.ts';

export default base({
  // Some tests put modules in the place of others.
  isolate: true,
});
