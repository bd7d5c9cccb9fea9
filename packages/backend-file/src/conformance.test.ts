import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance, type Shape, type Volume } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { connectFile } from './index.js';

async function create({ sectorSize, sizeSectors }: Shape): Promise<Volume> {
  const directory = await mkdtemp(join(tmpdir(), 'blockyard-file-'));
  const path = join(directory, 'volume.img');
  const device = await connectFile({ path, sectorSize, create: { sizeSectors } });
  await device.disconnect();
  return {
    connect: (options = {}) => connectFile({ path, sectorSize, ...options }),
    dispose: () => rm(directory, { recursive: true }),
  };
}

conformance({ name: 'file', persistent: true, hugeSectors: 2 ** 28 - 1, longWrites: true, create }, { describe, test });
