import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Disk } from './fio.js';

const run = promisify(execFile);

/** How long a side may take until its disk is there. */
const START_MS_MAX = 60_000;

/** The store, as the environment names it. */
export interface Store {
  readonly endpoint: URL;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** One of those that are compared. Each `start` begins cold; what was flushed before is there. */
export interface Side {
  readonly name: string;
  readonly isOurs: boolean;
  /** Whether a flush makes nothing durable, unless each write waits for the store. */
  readonly isFlushEmpty: boolean;
  create(): Promise<void>;
  /** `durable`: what is flushed must be in the store when the flush completes. */
  start(durable: boolean): Promise<Disk>;
  /** Clean: everything written is in the store. */
  stop(): Promise<void>;
}

export interface SideOptions {
  readonly store: Store;
  readonly folder: string;
  readonly prefix: string;
  readonly volumeBytes: number;
  readonly cacheBytes: number;
  readonly blockBytes: number;
}

export type Layout = 'log' | 'chunks';

const COMMAND = fileURLToPath(import.meta.resolve('@blockyard/cli/package.json')).replace(
  'package.json',
  'dist/main.js',
);

/** `blockyard serve` with a cache, as an NBD export. Its flushes are durable in any case. `blockBytes` is that of chunks. */
export function blockyard(options: SideOptions, layout: Layout = 'chunks'): Side {
  const { store, prefix, blockBytes, cacheBytes, volumeBytes } = options;
  const socket = join(options.folder, `${prefix}.sock`);
  const place = `s3://${store.bucket}/${prefix}?endpoint=${store.endpoint.origin}&region=${store.region}&path-style=true`;
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: store.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    // As the command's README advises for serving from a store.
    NODE_OPTIONS: '--max-semi-space-size=32',
  };
  let server: ChildProcess | undefined;
  return {
    name: layout === 'log' ? 'blockyard log' : `blockyard ${blockBytes / 1024}K`,
    isOurs: true,
    isFlushEmpty: false,
    async create() {
      const uri = layout === 'log' ? place : `${place}&chunk=${blockBytes}`;
      const args = ['create', uri, '--size', String(volumeBytes), '--layout', layout];
      await run(process.execPath, [COMMAND, ...args], { env });
    },
    async start() {
      const args = [COMMAND, 'serve', place, '--cache', String(cacheBytes), '--nbd', `unix:${socket}`];
      server = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
      await untilReady(server, () => answers(socket));
      return { uri: `nbd+unix:///?socket=${socket}` };
    },
    async stop() {
      await end(server);
      server = undefined;
    },
  };
}

/**
 * s3backer as it mounts, with its block cache. Its `fsync` returns without doing anything: where a flush has to be durable, each
 * write waits for the store instead, which is the one way in which it keeps that promise.
 *
 * It finds its bucket as `BUCKET.HOST`, so HOST must be a name with that below it.
 */
export function s3backer(options: SideOptions): Side {
  const { store, prefix, blockBytes, cacheBytes, volumeBytes } = options;
  const mountPoint = join(options.folder, prefix);
  let mounted: ChildProcess | undefined;
  const args = [
    '-f',
    `--baseURL=${store.endpoint.origin}/`,
    '--vhost',
    `--region=${store.region}`,
    `--accessId=${store.accessKeyId}`,
    `--accessKey=${store.secretAccessKey}`,
    `--prefix=${prefix}/`,
    `--blockSize=${blockBytes}`,
    `--size=${volumeBytes}`,
    `--blockCacheSize=${cacheBytes / blockBytes}`,
    '--blockCacheThreads=32',
    '--directIO',
    '--force',
    store.bucket,
    mountPoint,
  ];
  return {
    name: `s3backer ${blockBytes / 1024}K`,
    isOurs: false,
    isFlushEmpty: true,
    async create() {
      await mkdir(mountPoint, { recursive: true });
    },
    async start(durable) {
      const path = join(mountPoint, 'file');
      const synchronous = durable ? ['--blockCacheSync', '--blockCacheWriteDelay=0'] : [];
      mounted = spawn('s3backer', [...synchronous, ...args], { stdio: ['ignore', 'ignore', 'ignore'] });
      await untilReady(mounted, () => isMounted(mountPoint));
      return { path };
    },
    async stop() {
      await run('fusermount', ['-u', mountPoint]);
      if (mounted !== undefined && mounted.exitCode === null) await once(mounted, 'exit');
      mounted = undefined;
    },
  };
}

/** nbdkit takes no longer blocks from a plugin that cannot work on parts of them, as that for S3 cannot. */
const NBDKIT_BLOCK_BYTES = 64 * 1024;

/** nbdkit's plugin for S3, in Python, below its cache, which writes back on a local disk until a flush. */
export function nbdkit(options: SideOptions): Side {
  const { store, prefix, cacheBytes, volumeBytes } = options;
  const socket = join(options.folder, `${prefix}.sock`);
  let server: ChildProcess | undefined;
  const args = [
    ...['-f', '-U', socket, '--filter=blocksize', '--filter=cache', 'S3'],
    `access-key=${store.accessKeyId}`,
    `secret-key=${store.secretAccessKey}`,
    `endpoint-url=${store.endpoint.origin}`,
    `bucket=${store.bucket}`,
    `key=${prefix}`,
    `size=${volumeBytes}`,
    `object-size=${NBDKIT_BLOCK_BYTES}`,
    ...['cache=writeback', `cache-max-size=${cacheBytes}`, `cache-min-block-size=${NBDKIT_BLOCK_BYTES}`],
    ...[`minblock=${NBDKIT_BLOCK_BYTES}`, `maxdata=${NBDKIT_BLOCK_BYTES}`],
  ];
  return {
    name: `nbdkit S3 ${NBDKIT_BLOCK_BYTES / 1024}K`,
    isOurs: false,
    isFlushEmpty: false,
    async create() {},
    async start() {
      server = spawn('nbdkit', args, { stdio: ['ignore', 'ignore', 'inherit'] });
      await untilReady(server, () => answers(socket));
      return { uri: `nbd+unix:///?socket=${socket}` };
    },
    async stop() {
      await end(server);
      server = undefined;
      await rm(socket, { force: true });
    },
  };
}

async function untilReady(child: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    if (performance.now() - started > START_MS_MAX) throw new Error(`${child.spawnfile} is not ready`);
    await delay(20);
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function isMounted(path: string): Promise<boolean> {
  return run('mountpoint', ['-q', path]).then(
    () => true,
    () => false,
  );
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('error', () => resolve(false));
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
  });
}
