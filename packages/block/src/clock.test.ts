import { expect, test } from 'vitest';
import { systemClock } from './clock.js';

test('the clock of the system runs forwards, calls once, and not what was cleared', async () => {
  const calls: string[] = [];
  const startMs = systemClock.now();
  await new Promise<void>((resolve) => {
    const cleared = systemClock.set(() => calls.push('cleared'), 1);
    systemClock.set(() => calls.push('set'), 2);
    systemClock.set(resolve, 3);
    systemClock.clear(cleared);
  });
  expect(calls).toEqual(['set']);
  // Node's timers count whole milliseconds.
  expect(systemClock.now() - startMs).toBeGreaterThan(1);
});
