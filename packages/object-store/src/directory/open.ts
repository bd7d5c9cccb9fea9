import { dirname, join, resolve } from 'node:path';
import {
  BlockError,
  type Clock,
  checkBoolean,
  checkOptionNames,
  checkTimeMs,
  fromErrno,
  systemClock,
  unlessErrno,
} from '@blockyard/block';
import { newId } from '../ids.js';
import type { ObjectStore } from '../store.js';
import type { ClassOf } from '../traffic.js';
import { DirectoryStore } from './directory-store.js';
import { type Disk, systemDisk } from './disk.js';
import { obstacleIn } from './find.js';
import { FileLock } from './lock.js';
import { makeDirectories } from './make-directories.js';
import { LOCK_FILE, NEW_DIRECTORY, STORE_FILE } from './names.js';
import { ObjectFiles, readAll } from './object-files.js';

/** Options of {@link openDirectoryStore}. */
export interface DirectoryStoreOptions {
  /** The directory of the store, on a file system that has hard links. */
  readonly path: string;
  /**
   * Whether the directory is made, and made a store of, if it is not there or empty. If not, that is `NOT_FOUND`. Default:
   * false.
   */
  readonly create?: boolean;
  /** Longest that a request waits for other processes that replace or delete objects. Default: 30,000. */
  readonly maxLockWaitMs?: number;
  /** Drives that waiting. Default: the system's. */
  readonly clock?: Clock;
  /** The clock of the store, in milliseconds since 1970. Default: that of the machine, as its file system has it. */
  readonly wallMs?: () => number;
  /** The calls of the system. Default: the system's. */
  readonly disk?: Disk;
  /** What keys are for, so that traffic tells it. Default: all are of one class. */
  readonly classOf?: ClassOf;
}

const KNOWN: Readonly<Record<keyof DirectoryStoreOptions, true>> = {
  path: true,
  create: true,
  maxLockWaitMs: true,
  clock: true,
  wallMs: true,
  disk: true,
  classOf: true,
};

const MAX_LOCK_WAIT_MS_DEFAULT = 30_000;

/** What a process that died left behind is taken away when it is older: a PUT takes seconds. */
const STALE_MS = 86_400_000;

const FORMAT = 'blockyard-objects';
const FORMAT_VERSION = 1;
const MAX_STORE_FILE_BYTES = 4096;

/**
 * Opens a store in a directory of this machine.
 *
 * Rejects with `NOT_FOUND` if there is none; `ALREADY_EXISTS` if one is to be made of a directory that has something else in
 * it; `UNSUPPORTED` if it is of a later format; `CORRUPT`, `ACCESS_DENIED`, `NO_SPACE`, `INVALID_ARGUMENT`, `IO`.
 *
 * @example
 * ```ts
 * import { newId } from '@blockyard/object-store';
 * import { openDirectoryStore } from '@blockyard/object-store/directory';
 *
 * const store = await openDirectoryStore({ path: 'objects', create: true });
 * const { kind } = await store.put('disks/a/root', Buffer.from('1'), 'absent', newId());
 * console.log(kind); // stored
 * store.close();
 * ```
 */
export async function openDirectoryStore(options: DirectoryStoreOptions): Promise<ObjectStore> {
  checkOptionNames(options, KNOWN);
  const { create = false, maxLockWaitMs = MAX_LOCK_WAIT_MS_DEFAULT, clock = systemClock, wallMs = Date.now } = options;
  if (typeof options.path !== 'string' || options.path === '') {
    throw new BlockError('INVALID_ARGUMENT', 'path must be the path of a directory');
  }
  checkBoolean(create, 'create');
  checkTimeMs(maxLockWaitMs, 'maxLockWaitMs');
  const path = resolve(options.path);
  const disk = options.disk ?? systemDisk;
  try {
    if (create) await makeStore(disk, path);
    await checkStore(disk, path);
    await sweep(disk, path, wallMs());
  } catch (error) {
    throw fromErrno(error, { what: path });
  }
  const lock = new FileLock(disk, join(path, LOCK_FILE), { clock, maxWaitMs: maxLockWaitMs });
  return new DirectoryStore({ path, files: new ObjectFiles(disk, path), lock, wallMs, classOf: options.classOf });
}

/** Makes a store of the directory, if it is not one. The file that says that it is one comes last. */
async function makeStore(disk: Disk, path: string): Promise<void> {
  const first = await makeDirectories(path);
  if (first !== undefined) {
    for (let at = path; at !== dirname(first); at = dirname(at)) await disk.syncDirectory(dirname(at));
  }
  const names = await disk.readdir(path);
  if (names.includes(STORE_FILE)) return;
  const other = obstacleIn(names);
  if (other !== undefined)
    throw new BlockError('ALREADY_EXISTS', `${path} is no store of objects, and has ${other} in it`);
  await unlessErrno(['EEXIST'], disk.mkdir(join(path, NEW_DIRECTORY)));
  await (await disk.open(join(path, LOCK_FILE), 'a')).close();
  const text = Buffer.from(`${JSON.stringify({ format: FORMAT, version: FORMAT_VERSION })}\n`);
  const written = join(path, NEW_DIRECTORY, newId());
  const file = await disk.open(written, 'wx');
  try {
    await file.write(text, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  // Several processes may make it at once.
  await disk.rename(written, join(path, STORE_FILE));
  await disk.syncDirectory(path);
}

async function checkStore(disk: Disk, path: string): Promise<void> {
  const file = await unlessErrno(['ENOENT', 'ENOTDIR'], disk.open(join(path, STORE_FILE), 'r'));
  if (file === undefined) throw new BlockError('NOT_FOUND', `there is no store of objects in ${path}`);
  const bytes = Buffer.alloc(MAX_STORE_FILE_BYTES);
  try {
    const { format, version } = parse(bytes.toString('utf8', 0, await readAll(file, bytes, 0)));
    if (format === FORMAT && version === FORMAT_VERSION) return;
    if (format === FORMAT && Number.isSafeInteger(version) && (version as number) > FORMAT_VERSION) {
      throw new BlockError('UNSUPPORTED', `${path}: version ${version} is newer than ${FORMAT_VERSION}`);
    }
    throw new BlockError('CORRUPT', `${join(path, STORE_FILE)} does not say that this is a store of objects`);
  } finally {
    await file.close();
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Takes away what processes left that died before their objects had a name. */
async function sweep(disk: Disk, path: string, nowMs: number): Promise<void> {
  const directory = join(path, NEW_DIRECTORY);
  const names = await unlessErrno(['ENOENT'], disk.readdir(directory));
  // A copy of the store may lack it, since it is empty. What only reads can do without.
  if (names === undefined) await disk.mkdir(directory).catch(() => {});
  for (const name of names ?? []) {
    const left = join(directory, name);
    const modifiedMs = await disk.modifiedMs(left).catch(() => nowMs);
    // What cannot be taken away is of no harm.
    if (modifiedMs < nowMs - STALE_MS) await disk.unlink(left).catch(() => {});
  }
}
