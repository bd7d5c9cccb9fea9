import { execFile } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectFile } from '@blockyard/backend-file';
import { conformance, type Subject } from '@blockyard/conformance';
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import { afterAll, describe, test } from 'vitest';
import { connectWriteLog, type WriteLogOptions } from './index.js';

/**
 * The kit over media that are on a disk: a file, and a raw disk, which is a loop device and needs Linux and root. One of them
 * always, the others with BLOCKYARD_THOROUGH=1.
 */
const IS_THOROUGH = process.env.BLOCKYARD_THOROUGH === '1';
const MEDIUM_BYTES = 2 << 20;
const SECTOR = 4096;

const run = promisify(execFile);
const directory = await mkdtemp(join(tmpdir(), 'blockyard-write-log-'));
afterAll(() => rm(directory, { recursive: true }));
let made = 0;

/** A place for a medium, of zeroes. */
interface Place {
  readonly path: string;
  dispose(): Promise<void>;
}

async function makeFile(): Promise<Place> {
  const path = join(directory, String(made++));
  await writeFile(path, '');
  await truncate(path, MEDIUM_BYTES);
  return { path, dispose: () => rm(path) };
}

async function makeRawDisk(): Promise<Place> {
  const file = await makeFile();
  const path = (await run('losetup', ['--find', '--show', file.path])).stdout.trim();
  const dispose = async () => {
    await run('losetup', ['--detach', path]);
    await file.dispose();
  };
  return { path, dispose };
}

/** A write log over memory on such a medium. */
function subject(name: string, makePlace: () => Promise<Place>, options: Partial<WriteLogOptions>): Subject {
  return {
    name,
    persistent: true,
    sectorSizes: [SECTOR],
    async create(shape) {
      const base = createMemory(shape);
      const place = await makePlace();
      return {
        async connect({ readOnly = false } = {}) {
          const medium = await connectFile({ path: place.path, sectorSize: SECTOR, readOnly });
          return connectWriteLog(createReferenceDevice(base, { readOnly }), { medium, ...options });
        },
        dispose: () => place.dispose(),
      };
    },
  };
}

/** Whether this machine and user can make loop devices. */
async function hasRawDisks(): Promise<boolean> {
  try {
    await (await makeRawDisk()).dispose();
    return true;
  } catch {
    return false;
  }
}

const few = { runs: IS_THOROUGH ? 20 : 2 };
/** What takes seconds is the same whatever the medium is. */
const withoutLong = {
  describe,
  test: (title: string, body: () => Promise<void>, timeoutMs: number) => {
    if (!title.includes('of more than 2 GiB')) test(title, body, timeoutMs);
  },
};

conformance(subject('write log on a file', makeFile, { durability: 'medium' }), withoutLong, few);
if (IS_THOROUGH) {
  conformance(subject('write log on a file, durable on the base', makeFile, {}), withoutLong, few);
  if (await hasRawDisks()) {
    conformance(subject('write log on a raw disk', makeRawDisk, { durability: 'medium' }), withoutLong, few);
    conformance(subject('write log on a raw disk, durable on the base', makeRawDisk, {}), withoutLong, few);
  } else {
    test.skip('write log on a raw disk: losetup is not there or not allowed', () => {});
  }
}
