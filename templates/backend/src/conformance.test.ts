import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { connectTemplate, createTemplate } from './index.js';

/** Thousands of small files, each of them synced: in memory where there is such a folder. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

conformance(
  {
    name: 'template',
    persistent: true,
    hugeSectors: 2 ** 36,
    async create({ sectorSize, sizeSectors }) {
      const folder = await mkdtemp(join(FOLDER, 'blockyard-template-'));
      const path = join(folder, 'volume');
      // Chunks of several sectors, so that writes beside each other meet in one.
      await createTemplate({ path, sectorSize, sizeSectors, chunkBytes: 4 * sectorSize });
      return {
        connect: (options = {}) => connectTemplate({ path, ...options }),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
  },
  { describe, test },
);
