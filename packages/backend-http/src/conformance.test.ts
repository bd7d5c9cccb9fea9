import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { conformanceCases, runCase, SECTOR_SIZES, type Subject } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { connectHttp } from './index.js';
import { startWebServer } from './testing/web-server.js';

/** A raw file while it is written, and on a web server when it is opened for reading. */
const subject: Subject = {
  name: 'http',
  persistent: true,
  create: async ({ sectorSize, sizeSectors }) => {
    const folder = await mkdtemp(join(tmpdir(), 'http-'));
    const path = join(folder, 'disk.img');
    await (await connectFile({ path, sectorSize, create: { sizeSectors } })).disconnect();
    const web = await startWebServer(new Uint8Array(0));
    return {
      connect: async ({ readOnly = false } = {}) => {
        if (!readOnly) return connectFile({ path, sectorSize });
        web.content = await readFile(path);
        return connectHttp({ url: web.origin, sectorSize, maxRequestBytes: 65_536 });
      },
      dispose: async () => {
        await web[Symbol.asyncDispose]();
        await rm(folder, { recursive: true });
      },
    };
  },
};

/** Nothing is written over HTTP, so that the cases of what is only read are those that it can be put to. */
const cases = conformanceCases().filter(({ needs = [] }) => needs.includes('readOnly'));

describe.each(SECTOR_SIZES)('The kit over a web server, in sectors of %i bytes', (sectorSize) => {
  test('has cases', ({ expect }) => expect(cases.length).toBeGreaterThan(3));
  test.each(cases)('$title', (each) => runCase(each, subject, sectorSize));
});
