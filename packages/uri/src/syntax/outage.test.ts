import { expect, test } from 'vitest';
import { OUTAGE_WAIT_MS, parseDuration, parseOutage } from './outage.js';

test.each([
  ['0s', 0],
  ['500ms', 500],
  ['30s', 30_000],
  ['10m', 600_000],
  ['1h', 3_600_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text, 'time')).toBe(ms);
});

test.each(['', '5', 's', '-1s', '1.5s', '5 s', '5d', 'wait'])('%j is no time', (text) => {
  const refused = expect.objectContaining({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(/^time must be/),
  });
  expect(() => parseDuration(text, 'time')).toThrow(refused);
});

test('to wait is to wait for minutes', () => {
  expect(parseOutage('wait', 'outage')).toBe(OUTAGE_WAIT_MS);
  expect(parseOutage('5s', 'outage')).toBe(5000);
});
