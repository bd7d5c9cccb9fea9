import { isBlockError } from '@blockyard/block';
import { expect, test } from 'vitest';
import { connectTemplate, createMedium, type TemplateOptions } from './index.js';

const medium = createMedium(512, 8);

test.each<[string, unknown]>([
  ['no options', undefined],
  ['no medium', {}],
  ['a medium that is an empty object', { medium: {} }],
  ['an invalid sector size', { medium: createMedium(1000, 8) }],
  ['an invalid size', { medium: createMedium(512, -1) }],
  ['readOnly that is neither true nor false', { medium, readOnly: 'yes' }],
  ['an unknown option', { medium, readonly: true }],
])('With %s, connecting is refused', async (_what, options) => {
  const error = await connectTemplate(options as TemplateOptions).catch((reason: unknown) => reason);
  expect(isBlockError(error, 'INVALID_ARGUMENT')).toBe(true);
});
