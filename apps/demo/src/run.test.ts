import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type BlockDevice, createDevice } from '@blockyard/block';
import { startFaultProxy, startLocalS3 } from '@blockyard/local-s3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openPlace } from './places/index.js';
import type { Place } from './places/place.js';
import { Cleanup } from './process/cleanup.js';
import { run, type Surroundings } from './run.js';

const OPERATIONS = 400;
const WORKLOAD = { operations: OPERATIONS, volumeBytes: 4 * 2 ** 20 };
/** Each write there is a request of 1 MiB. */
const S3_WORKLOAD = { operations: 48, volumeBytes: 2 ** 20 };

let directory: string;
let inputPath: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'blockyard-demo-test-'));
  inputPath = join(directory, 'input');
  // Not a whole number of pieces or of sectors.
  await writeFile(inputPath, Buffer.alloc(2_345_678, 'not all the same '));
  vi.stubEnv('TMPDIR', directory);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local-secret');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** Runs the demonstration with less to do; gives what it printed. */
async function demo(args: string[], change: (place: Place) => Place = (place) => place) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = Promise.all([text(stdout), text(stderr)]);
  const cleanup = new Cleanup((message) => stderr.write(`${message}\n`));
  const surroundings: Surroundings = {
    stdout,
    stderr,
    cleanup,
    openPlace: async (backend, ...rest) => {
      const place = await openPlace(backend, ...rest);
      return change({ ...place, workload: backend === 's3' ? S3_WORKLOAD : WORKLOAD });
    },
  };
  const exitCode = await run(['--input', inputPath, ...args], surroundings);
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { exitCode, out, err };
}

/** Lines of `err` that are errors. */
const errorsIn = (err: string) => err.split('\n').filter((line) => line.startsWith('error:'));

describe('The demonstration', () => {
  test('verifies memory and file, prints one table alone, and leaves nothing behind', async () => {
    const { exitCode, out, err } = await demo(['--backend', 'memory,file']);
    expect({ exitCode, errors: errorsIn(err) }).toEqual({ exitCode: 0, errors: [] });
    expect(out.match(/^┌/gm)).toHaveLength(1);
    expect(out.match(/│ yes/g)).toHaveLength(6);
    expect(out).not.toContain('NO');
    expect(err).toContain('memory: workload, cached: 400 operations');
    expect(await readdir(directory)).toEqual(['input']);
  });

  test('as JSON tells the same in numbers', async () => {
    const { exitCode, out } = await demo(['--backend', 'file', '--cache', '4M', '--json']);
    expect(exitCode).toBe(0);
    const report = JSON.parse(out);
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    const base = {
      reads: expect.any(Number),
      readBytes: expect.any(Number),
      writes: expect.any(Number),
      writeBytes: expect.any(Number),
      zeroes: expect.any(Number),
      flushes: expect.any(Number),
    };
    const workload = {
      seconds: expect.any(Number),
      p50Ms: expect.any(Number),
      p99Ms: expect.any(Number),
      differingReads: 0,
      ...WORKLOAD,
      opsPerSecond: expect.any(Number),
      base,
      sha256Expected: hash,
      sha256Read: hash,
      verified: true,
    };
    expect(report).toEqual({
      verified: true,
      node: process.version,
      input: { path: inputPath, lengthBytes: 2_345_678 },
      cacheBytes: 4 * 2 ** 20,
      clients: 8,
      backends: [
        {
          backend: 'file',
          cold: expect.any(String),
          input: {
            bytes: 2_345_678,
            writeSeconds: expect.any(Number),
            readSeconds: expect.any(Number),
            sha256Written: hash,
            sha256Read: hash,
            verified: true,
            base,
          },
          raw: { ...workload, hitRatio: null },
          cached: { ...workload, hitRatio: expect.any(Number) },
          verified: true,
        },
      ],
    });
    const [{ input, raw, cached }] = report.backends;
    expect(input.sha256Read).toBe(input.sha256Written);
    expect(raw.sha256Read).toBe(cached.sha256Read);
    expect(raw.base.reads + raw.base.writes).toBe(OPERATIONS);
    expect(cached.hitRatio).toBeGreaterThan(0);
  });

  test('works on a store that starts and stops by itself', async () => {
    const { exitCode, out } = await demo(['--backend', 's3']);
    expect({ exitCode, verified: out.match(/│ yes/g)?.length }).toEqual({ exitCode: 0, verified: 3 });
  });

  test('fails if one byte is not what was written', async () => {
    const { exitCode, out, err } = await demo(['--backend', 'memory'], corrupting);
    expect(exitCode).toBe(1);
    expect(out.match(/NO: SHA-256 differs/g)).toHaveLength(1);
    expect(out.match(/NO: \d+ of 400/g)).toHaveLength(2);
    expect(err).toContain('✖ memory: input: what was read back is not what was written');
  });
});

describe('Bad input', () => {
  test('of the command line gives exit code 2', async () => {
    expect(await demo(['--nope'])).toMatchObject({ exitCode: 2, out: '' });
  });

  test('--help gives exit code 0', async () => {
    expect(await demo(['--help'])).toMatchObject({ exitCode: 0, err: '' });
  });

  test.each([
    ['a file that is not there', ['--input', '/nonexistent/input'], /cannot read the input .*nonexistent.*ENOENT/],
    ['a directory as the file', ['--input', '/'], /cannot read the input \/: it is no regular file/],
    ['a cache that has no room for anything', ['--cache', '1K', '--backend', 'memory'], /a cache of 1 KiB: .*at least/],
  ])('%s gives one line that says what and where', async (_what, args, message) => {
    const { exitCode, out, err } = await demo(args);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(errorsIn(err)).toEqual([expect.stringMatching(message)]);
    expect(err).not.toMatch(/^\s+at /m);
  });

  test('an empty file is refused', async () => {
    await writeFile(inputPath, '');
    const { exitCode, err } = await demo(['--backend', 'memory']);
    expect({ exitCode, errors: errorsIn(err) }).toEqual({
      exitCode: 1,
      errors: [`error: cannot read the input ${inputPath}: it is empty`],
    });
  });

  test('a store that cannot be reached gives one line that says what and where', async () => {
    const { exitCode, out, err } = await demo(s3At('http://127.0.0.1:9', 'volumes'));
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(errorsIn(err)).toEqual([expect.stringMatching(/s3:\/\/volumes\/disks\/blockyard-demo.*ECONNREFUSED/)]);
    expect(err).not.toContain('could not');
  });
});

describe('A store of the user', () => {
  test('is left as it was found', async () => {
    const store = await startLocalS3();
    try {
      const { exitCode } = await demo(s3At(store.endpoint, store.bucket));
      expect(exitCode).toBe(0);
      const { KeyCount } = await store.client().send(new ListObjectsV2Command({ Bucket: store.bucket }));
      expect(KeyCount).toBe(0);
    } finally {
      await store.stop();
    }
  });

  test('without the bucket, or with wrong credentials, gives one line that says what and where', async () => {
    const store = await startLocalS3();
    try {
      const missing = await demo(s3At(store.endpoint, 'no-such-bucket'));
      expect(missing.exitCode).toBe(1);
      expect(errorsIn(missing.err)).toEqual([expect.stringMatching(/s3:\/\/no-such-bucket\/disks.*NoSuchBucket/)]);

      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
      const refused = await demo(s3At(store.endpoint, store.bucket));
      expect(refused.exitCode).toBe(1);
      expect(errorsIn(refused.err)).toEqual([expect.stringMatching(/s3:\/\/volumes\/disks.*\(40[13]\)/)]);
    } finally {
      await store.stop();
    }
  });

  test('that dies half-way gives one error, and what is left there is told', async () => {
    const store = await startLocalS3();
    const proxy = await startFaultProxy(store.endpoint);
    try {
      let requests = 0;
      proxy.onRequest = () => (++requests > 40 ? { kind: 'reset-before' } : undefined);
      const { exitCode, out, err } = await demo(s3At(proxy.endpoint, store.bucket));
      expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
      expect(errorsIn(err)).toHaveLength(1);
      expect(err).toMatch(/could not delete s3:\/\/volumes\/disks\/blockyard-demo/);
      expect(err).not.toMatch(/^\s+at /m);
    } finally {
      await proxy.stop();
      await store.stop();
    }
  });
});

function s3At(endpoint: string, bucket: string): string[] {
  return ['--backend', 's3', '--s3', `s3://${bucket}/disks`, '--endpoint', endpoint];
}

/** Makes every device of the place lie about one byte of sector 7. */
function corrupting(place: Place): Place {
  return {
    ...place,
    create: async (label, sizeBytes) => {
      const volume = await place.create(label, sizeBytes);
      return { ...volume, connect: async () => flipping(await volume.connect(), 7) };
    },
  };
}

function flipping(base: BlockDevice, sector: number): BlockDevice {
  const { sectorSize, sizeSectors } = base.info;
  return createDevice({
    name: 'flipping',
    sectorSize,
    sizeSectors,
    async read(start, buffers) {
      await base.read(start, buffers);
      let at = start * sectorSize;
      for (const buffer of buffers) {
        const index = sector * sectorSize - at;
        if (index >= 0 && index < buffer.byteLength) buffer[index] = (buffer[index] ?? 0) ^ 1;
        at += buffer.byteLength;
      }
    },
    write: (start, buffers) => base.write(start, buffers),
    flush: () => base.flush(),
    resize: (size) => base.resize(size),
    disconnect: () => base.disconnect(),
  });
}
