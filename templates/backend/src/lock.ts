import { type FileHandle, open, stat } from 'node:fs/promises';
import { BlockError, fromErrno, unlessErrno } from '@blockyard/block';
import { tryLock } from 'fs-native-extensions';

/**
 * Keeps other processes out: for a writer all of them, for a reader all writers. The kernel takes the lock back when the process
 * ends, however it ends. Rejects with `NOT_FOUND` where there is no such file, unless it is made, and with `LOCKED`.
 */
export async function takeLock(path: string, { shared = false, create = false } = {}): Promise<FileHandle> {
  try {
    const file = await open(path, shared ? 'r' : create ? 'a+' : 'r+');
    // A file that was deleted meanwhile keeps no one out.
    if (tryLock(file.fd, { shared }) && (await isAt(path, file))) return file;
    await file.close();
  } catch (error) {
    throw fromErrno(error);
  }
  throw new BlockError('LOCKED', `another process has ${path}`);
}

async function isAt(path: string, file: FileHandle): Promise<boolean> {
  const [own, there] = await Promise.all([file.stat(), unlessErrno(['ENOENT'], stat(path))]);
  return own.ino === there?.ino;
}
