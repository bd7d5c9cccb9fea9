import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BlockError, fromErrno, unlessErrno } from '@blockyard/block';
import { Chunks } from './chunks.js';
import type { Volume } from './driver.js';
import { deleteHeader, type Header, readHeader, writeHeader } from './header.js';
import { takeLock } from './lock.js';
import { Medium } from './medium.js';
import type { ConnectTemplateOptions, TemplateOptions } from './options.js';

const LOCK = '.lock';

/** Opens a volume. Rejects with `NOT_FOUND`, `LOCKED` or `CORRUPT`; nothing is left open then. */
export async function openVolume({ path, readOnly }: Required<ConnectTemplateOptions>): Promise<Volume> {
  const lock = await takeLock(join(path, LOCK), { shared: readOnly });
  try {
    const medium = new Medium(path);
    const header = await readHeader(medium);
    if (header === undefined) throw new BlockError('NOT_FOUND', `there is no volume in ${path}`);
    const chunks = new Chunks(medium, header.chunkBytes);
    await chunks.load();
    return { path, readOnly, medium, header, chunks, lock };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** Makes a volume of zeroes. Rejects with `ALREADY_EXISTS`; two at once do not both make it. */
export async function createVolume({ path, ...header }: TemplateOptions & Header): Promise<void> {
  await makeFolder(path);
  const lock = await takeLock(join(path, LOCK), { create: true });
  try {
    const medium = new Medium(path);
    if ((await readHeader(medium)) !== undefined)
      throw new BlockError('ALREADY_EXISTS', `there is a volume in ${path}`);
    // What a deletion left behind that was ended half way must not be the new volume's.
    await new Chunks(medium, header.chunkBytes).deleteAll();
    await writeHeader(medium, header);
  } finally {
    await lock.close();
  }
  await new Medium(dirname(path)).sync();
}

/** Deletes a volume. Once its header is gone, it is. */
export async function deleteVolume({ path }: TemplateOptions): Promise<void> {
  const { medium, chunks, lock } = await openVolume({ path, readOnly: false });
  try {
    await deleteHeader(medium);
    await chunks.deleteAll();
    await rm(join(path, LOCK));
    // What is someone else's stays, and the folder with it.
    await rmdir(path).catch(() => undefined);
  } catch (error) {
    throw fromErrno(error);
  } finally {
    await lock.close();
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await unlessErrno(['EEXIST'], mkdir(path));
  } catch (error) {
    throw fromErrno(error);
  }
}
