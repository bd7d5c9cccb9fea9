import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasBrowser } from '@blockyard/browser-testing';
import { expect, test } from 'vitest';
import { killTabs } from './testing/kill-tabs.js';

/** `BLOCKYARD_KILL_ROUNDS=1000` for more. */
const ROUNDS = Number(process.env.BLOCKYARD_KILL_ROUNDS ?? 20);
const ROUND_MS_MAX = 30_000;

test.skipIf(!hasBrowser())(
  `of ${ROUNDS} tabs that are killed while they write, none loses what a flush has acknowledged`,
  async () => {
    const profile = await mkdtemp(join(tmpdir(), 'blockyard-opfs-'));
    try {
      const { wrong, flushes, writes, kills } = await killTabs(profile, ROUNDS);
      expect(wrong).toEqual([]);
      process.stdout.write(
        `${ROUNDS} rounds: ${JSON.stringify(kills)}, ${writes} writes, ${flushes} flushes acknowledged\n`,
      );
      expect(flushes).toBeGreaterThan(ROUNDS);
    } finally {
      await rm(profile, { recursive: true, maxRetries: 5 });
    }
  },
  ROUNDS * ROUND_MS_MAX,
);
