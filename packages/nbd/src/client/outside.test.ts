import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance, type Shape, type Volume } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { describeWith, type Running, startServer } from '../testing/tools.js';
import { connectNbd } from './connect.js';

/** The client as a backend, over the servers of others. */
const volume = (folder: string, server: Running, { sectorSize }: Shape): Volume => ({
  connect: ({ readOnly = false } = {}) =>
    connectNbd(`nbd+unix:///?socket=${join(folder, 's')}`, { readOnly, sectorSize }),
  dispose: async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  },
});

const temporaryFolder = () => mkdtemp(join(tmpdir(), 'nbd-'));
/** One random workload each: every case starts a server of its own. */
const OPTIONS = { runs: 3 };

describeWith(['nbdkit'], 'the kit against nbdkit', () => {
  const create = async (shape: Shape) => {
    const folder = await temporaryFolder();
    const socket = join(folder, 's');
    const sizeBytes = shape.sizeSectors * shape.sectorSize;
    return volume(folder, await startServer('nbdkit', socket, '-f', '-U', socket, 'memory', String(sizeBytes)), shape);
  };
  conformance({ name: 'nbd over nbdkit', persistent: true, resizable: false, create }, { describe, test }, OPTIONS);
});

describeWith(['qemu-nbd'], 'the kit against qemu-nbd', () => {
  const create = async (shape: Shape) => {
    const folder = await temporaryFolder();
    const socket = join(folder, 's');
    const image = await open(join(folder, 'image'), 'w');
    await image.truncate(shape.sizeSectors * shape.sectorSize);
    await image.close();
    const args = ['-f', 'raw', '-t', '-e', '8', '--discard=unmap', '-k', socket, join(folder, 'image')];
    return volume(folder, await startServer('qemu-nbd', socket, ...args), shape);
  };
  // Each case starts a server, and the sizes of sectors are those of the client: nbdkit has the others.
  const subject = { name: 'nbd over qemu-nbd', persistent: true, resizable: false, sectorSizes: [4096], create };
  conformance(subject, { describe, test }, OPTIONS);
});
