import { dirname, join, resolve } from 'node:path';
import { fromErrno, unlessErrno } from '@blockyard/block';
import { type Disk, systemDisk } from './disk.js';
import { LOCK_FILE, NEW_DIRECTORY, STORE_FILE } from './names.js';

/** The nearest directory at or above a path that is a store, or undefined if none is. The path itself need not exist. */
export async function findDirectoryStore(path: string, disk: Disk = systemDisk): Promise<string | undefined> {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (await isStore(disk, at)) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** Whether a store can be made of a directory: it is not there, or empty. */
export async function isFreeForStore(path: string, disk: Disk = systemDisk): Promise<boolean> {
  try {
    const names = await unlessErrno(['ENOENT'], disk.readdir(path));
    return names === undefined || obstacleIn(names) === undefined;
  } catch (error) {
    throw fromErrno(error, { what: path });
  }
}

/** What keeps a directory from being made a store of: all but what another process has made of one so far. */
export function obstacleIn(names: readonly string[]): string | undefined {
  return names.find((name) => ![`${NEW_DIRECTORY}/`, LOCK_FILE].includes(name));
}

async function isStore(disk: Disk, directory: string): Promise<boolean> {
  try {
    const file = await unlessErrno(['ENOENT', 'ENOTDIR', 'EACCES'], disk.open(join(directory, STORE_FILE), 'r'));
    await file?.close();
    return file !== undefined;
  } catch (error) {
    throw fromErrno(error, { what: directory });
  }
}
