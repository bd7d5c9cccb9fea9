import { describe, expect, test } from 'vitest';
import { faultsOf } from '../../scripts/commit-messages.mjs';

const BODY = 'A body says why.';

describe('The message of a commit', () => {
  test('with a short subject and a body has no fault', () => {
    expect(faultsOf(`${'x'.repeat(72)}\n\n${BODY}\n`)).toEqual([]);
  });

  test.each([
    ['a long subject', `${'x'.repeat(73)}\n\n${BODY}`, /73 characters/],
    ['no body', 'Docs: a link is mended', /no body/],
    ['a body of nothing', 'Docs: a link is mended\n\n  \n', /no body/],
    ['no line between', `Docs: a link is mended\n${BODY}\n${BODY}`, /not empty/],
    ['work that is not finished', `wip3\n\n${BODY}`, /not finished/],
  ])('%s is a fault', (_, message, fault) => {
    expect(faultsOf(message)).toEqual([expect.stringMatching(fault)]);
  });
});
