import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectMemory } from '@blockyard/backend-memory';
import { withStats } from '@blockyard/layers';
import { serveNbd } from '@blockyard/nbd';
import { describe, expect, test } from 'vitest';
import { runFio, type Work } from './fio.js';

const isThere = spawnSync('fio', ['--version']).status === 0;
const isNeeded = process.env.BLOCKYARD_REQUIRE_TOOLS === '1';

describe.skipIf(!isThere && !isNeeded)('what fio does to a disk', () => {
  /** Runs the work on a disk in memory, and tells how many writes and flushes that saw. */
  async function run(work: Pick<Work, 'operations' | 'flushEvery'>, depth = 4) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-fio-'));
    const disk = withStats(await connectMemory({ sectorSize: 512, sizeSectors: 2048 }));
    const path = join(folder, 'sock');
    const server = await serveNbd({ exports: { '': disk }, listen: { path }, ownsDevices: true });
    try {
      const uri = `nbd+unix:///?socket=${path}`;
      await runFio({ uri }, { rw: 'write', blockBytes: 4096, depth, sizeBytes: 2 ** 20, ...work });
      const { write, flush } = disk.stats();
      return { writes: write.calls, flushes: flush.calls };
    } finally {
      await server.stop();
      await rm(folder, { recursive: true });
    }
  }

  test('a flush that comes after the last write is made', async () => {
    expect(await run({ operations: 32, flushEvery: 32 })).toEqual({ writes: 32, flushes: 1 });
  });

  test('so is one after each write', async () => {
    expect(await run({ operations: 8, flushEvery: 1 }, 1)).toEqual({ writes: 8, flushes: 8 });
  });

  test('none is made where none is asked for', async () => {
    expect(await run({ operations: 8 })).toEqual({ writes: 8, flushes: 0 });
  });
});
