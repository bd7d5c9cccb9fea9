/** Has vitest run `in-vitest.mjs`, and report as JSON. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startVitest } from 'vitest/node';

const vitest = await startVitest('test', [], {
  root: dirname(fileURLToPath(import.meta.url)),
  config: false,
  include: ['in-vitest.mjs'],
  reporters: ['json'],
  watch: false,
});
await vitest.close();
