import { expect, test } from 'vitest';
import { LinesAhead } from './lines-ahead.js';

function linesAhead(slotsMax: number) {
  const [lines, admission] = [{ slotsMax }, { count: 0 }];
  return { lines, admission, ahead: new LinesAhead(lines, admission) };
}

test('a quarter of the lines may be on their way, and one always', () => {
  expect([0, 3, 7, 8, 100].map((slotsMax) => linesAhead(slotsMax).ahead.max)).toEqual([1, 1, 1, 2, 25]);
});

test('another line may begin until as many are on their way as may be', () => {
  const { ahead, lines } = linesAhead(8);
  ahead.began();
  expect([ahead.inFlight, ahead.mayStart]).toEqual([1, true]);
  ahead.began();
  expect([ahead.inFlight, ahead.mayStart]).toEqual([2, false]);
  lines.slotsMax = 12;
  expect(ahead.mayStart).toBe(true);
  lines.slotsMax = 8;
  ahead.settled();
  expect([ahead.inFlight, ahead.mayStart]).toEqual([1, true]);
});

test('none may begin while a request waits for memory', () => {
  const { ahead, admission } = linesAhead(8);
  admission.count = 1;
  expect(ahead.mayStart).toBe(false);
  admission.count = 0;
  expect(ahead.mayStart).toBe(true);
});

test('those who wait go on with the next line that arrives, each once', async () => {
  const { ahead } = linesAhead(8);
  const told: string[] = [];
  const wait = (name: string) => ahead.oneSettled().then(() => told.push(name));
  ahead.began();
  ahead.began();
  const both = [wait('first'), wait('second')];
  ahead.settled();
  await Promise.all(both);
  expect(told).toEqual(['first', 'second']);
  const third = wait('third');
  await Promise.resolve();
  expect(told).toHaveLength(2);
  ahead.settled();
  await third;
  expect(told).toEqual(['first', 'second', 'third']);
});

test('a line that never began cannot arrive', () => {
  const { ahead } = linesAhead(8);
  expect(() => ahead.settled()).toThrow('a line must be on its way to arrive');
});
