import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, run } from './run-program.js';

test('a backend of someone else goes from an empty folder to a served device in five commands', async () => {
  const { exitCode, output } = await run(process.execPath, [join(ROOT, 'scripts', 'outside.mjs'), '--linked'], {
    cwd: ROOT,
  });
  expect(exitCode, output).toBe(0);
  // The installation is the fifth; here it is links.
  const commands = [...output.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command);
  expect(commands).toEqual([
    'npm init --yes',
    'npx blockyard create template:disk --size 64M',
    'npx blockyard serve template:disk --nbd unix:disk.sock',
    'npx blockyard info nbd+unix:///?socket=disk.sock',
  ]);
  expect(output).toContain('64 MiB (67108864 bytes)');
});
