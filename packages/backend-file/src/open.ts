import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat, unlink } from 'node:fs/promises';
import { BlockError, checkSize, isBlockError, unlessErrno } from '@blockyard/block';
import { syncDirectoryOf } from './directory.js';
import { type FileIo, holesOf, NodeFileIo } from './file-io.js';
import { type FileKind, kindOf } from './kind.js';
import { checkLocks, checkReserve, type LoadedNatives, loadNatives, lockFile, reserveSpace } from './native.js';
import type { CheckedCreate, CheckedOptions } from './options.js';
import { rawDeviceBytes } from './raw-device.js';

/** Times that the file may appear, vanish or be replaced while it is being opened. */
const ATTEMPTS_MAX = 5;

/** A file that was opened, locked and measured. */
export interface OpenedFile {
  readonly io: FileIo;
  readonly sizeSectors: number;
  readonly kind: FileKind;
  /** Where a file ends within its last sector, the rest of which reads as zeroes. Read-only. */
  readonly paddedFrom: number | undefined;
}

/** Opens what the options name, or makes it. When it rejects, no descriptor, no lock and no new file is left. */
export async function openFile(options: CheckedOptions): Promise<OpenedFile> {
  const natives = await loadNatives();
  if (options.lock) checkLocks(natives);
  if (options.create?.reserve) checkReserve(natives);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const found = await unlessErrno(['ENOENT'], stat(options.path, { bigint: true }));
    const opened = found === undefined ? await openNew(options, natives) : await openExisting(options, natives, found);
    if (opened !== undefined) return opened;
  }
  throw new BlockError('UNAVAILABLE', `${options.path} appears, vanishes or changes while it is opened`);
}

/** Undefined if the file that was found is no longer the one at the path once it is locked. */
async function openExisting(
  options: CheckedOptions,
  natives: LoadedNatives,
  found: BigIntStats,
): Promise<OpenedFile | undefined> {
  const { path, create } = options;
  if (create?.ifMissing === false) throw new BlockError('ALREADY_EXISTS', `${path} is there already`);
  // Before it is opened: opening a pipe would wait for its other end.
  const kind = kindOf(path, found);
  const handle = await unlessErrno(['ENOENT'], open(path, flagsFor(options, kind)));
  if (handle === undefined) return undefined;
  return closingOnFailure(handle, async () => {
    if (options.lock) lockFile(natives, handle.fd, path, options.readOnly);
    if (!(await isAt(path, handle))) {
      await handle.close();
      return undefined;
    }
    // Of no size is also what a creation leaves that was cut off; the lock says that no one is at work on it.
    const { size } = await handle.stat();
    if (create !== undefined && kind === 'regular' && size === 0) await giveSize(handle, options, natives, create);
    return measure(handle, options, natives);
  });
}

/** Undefined if the file is there by now. */
async function openNew(options: CheckedOptions, natives: LoadedNatives): Promise<OpenedFile | undefined> {
  const { path, create } = options;
  if (create === undefined) throw new BlockError('NOT_FOUND', `there is no ${path}`);
  const handle = await unlessErrno(['EEXIST'], open(path, 'wx+'));
  if (handle === undefined) return undefined;
  return closingOnFailure(handle, async () => {
    try {
      if (options.lock) lockFile(natives, handle.fd, path, false);
      await giveSize(handle, options, natives, create);
      return await measure(handle, options, natives);
    } catch (error) {
      // Another process was quicker to lock it, and uses it by now.
      if (!isBlockError(error, 'LOCKED')) await unlink(path).catch(() => undefined);
      throw error;
    }
  });
}

function flagsFor({ readOnly, lock }: CheckedOptions, kind: FileKind): number {
  if (readOnly) return constants.O_RDONLY;
  // Without O_CREAT it means: only if neither a file system nor anybody else claims the raw device.
  const claim = lock && kind === 'raw' ? constants.O_EXCL : 0;
  return constants.O_RDWR + claim;
}

/** Whether the path still leads to the open file. If not, its lock keeps no one out, and the name belongs to another file. */
async function isAt(path: string, handle: FileHandle): Promise<boolean> {
  const [open, there] = [
    await handle.stat({ bigint: true }),
    await unlessErrno(['ENOENT'], stat(path, { bigint: true })),
  ];
  return open.dev === there?.dev && open.ino === there.ino;
}

/** Sets the size of a new file, and makes size and name durable. Space comes first: until it has a size, the file counts as missing. */
async function giveSize(
  handle: FileHandle,
  { path, sectorSize }: CheckedOptions,
  natives: LoadedNatives,
  { sizeSectors, reserve }: CheckedCreate,
): Promise<void> {
  const sizeBytes = sizeSectors * sectorSize;
  try {
    if (reserve) await reserveSpace(natives, handle.fd, sizeBytes);
    await handle.truncate(sizeBytes);
  } catch (error) {
    // What was taken before the space ran out would stay with a file that was there before.
    await handle.truncate(0).catch(() => undefined);
    throw error;
  }
  await handle.sync();
  await syncDirectoryOf(path);
}

async function measure(handle: FileHandle, options: CheckedOptions, loaded: LoadedNatives): Promise<OpenedFile> {
  const { path, sectorSize, readOnly } = options;
  const { natives, libc } = loaded;
  const stats = await handle.stat({ bigint: true });
  const kind = kindOf(path, stats);
  const sizeBytes = kind === 'raw' ? await rawDeviceBytes(path, stats.rdev) : Number(stats.size);
  const isOdd = sizeBytes % sectorSize !== 0;
  const sizeSectors = Math.ceil(sizeBytes / sectorSize);
  if (isOdd && !(readOnly && kind === 'regular')) {
    const makeWhole =
      kind === 'regular'
        ? `; read-only it can be opened, and "truncate -s ${sizeSectors * sectorSize}" makes it whole`
        : '';
    throw new BlockError(
      'UNALIGNED',
      `${path} has ${sizeBytes} bytes, which is not whole sectors of ${sectorSize}${makeWhole}`,
    );
  }
  checkSize(sizeSectors, sectorSize);
  // Only Windows must be told, and does nothing else when told.
  if (!readOnly && kind === 'regular') await natives?.sparse(handle.fd);
  const holes = kind === 'regular' ? await holesOf(handle, libc, sizeBytes) : undefined;
  const durable = readOnly ? undefined : await openDurably(handle);
  return {
    io: new NodeFileIo(handle, { natives, holes, durable }),
    sizeSectors,
    kind,
    paddedFrom: isOdd ? sizeBytes : undefined,
  };
}

/** The open file once more, so that what is written is durable when the call returns. Undefined where that cannot be had. */
async function openDurably(handle: FileHandle): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    // By its descriptor: at its path there may be another one by now.
    return await open(`/proc/self/fd/${handle.fd}`, constants.O_WRONLY + constants.O_DSYNC);
  } catch {
    return undefined;
  }
}

async function closingOnFailure<T>(handle: FileHandle, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    await handle.close();
    throw error;
  }
}
