import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test, vi } from 'vitest';
import { warmUp } from './warm-up.js';

const own = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('blockyard-warm-up-'));

test('A process warms up, and leaves nothing behind', async () => {
  const before = await own();
  expect(await warmUp([])).toBe(true);
  expect((await own()).filter((name) => !before.includes(name))).toEqual([]);
});

test('A process that cannot warm up goes on', async () => {
  vi.stubEnv('TMPDIR', '/nowhere');
  try {
    expect(await warmUp([])).toBe(false);
  } finally {
    vi.unstubAllEnvs();
  }
});
