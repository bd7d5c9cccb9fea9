import { type BlockDevice, createDevice } from '@blockyard/block';
import { fromDomError } from './file/dom-error.js';
import { connectVolume, createVolume, deleteVolume, listVolumes, type OpfsVolume } from './file/folder.js';
import {
  type ConnectOptions,
  type CreateOptions,
  checkConnectOptions,
  checkCreateOptions,
  checkFolderOptions,
  checkVolumeOptions,
  type FolderOptions,
  type VolumeOptions,
} from './file/options.js';

export { type OpfsClient, overWorker, type WorkerLike } from './bridge/client.js';
export type { OpfsVolume } from './file/folder.js';
export type { ConnectOptions, CreateOptions, FolderOptions, VolumeOptions } from './file/options.js';

/**
 * Makes a volume of zeroes, durable when this resolves. In a dedicated worker.
 *
 * Rejects with `ALREADY_EXISTS`, `LOCKED` where it is there and open, `NO_SPACE` where the origin's quota is used up,
 * `UNSUPPORTED` outside of dedicated workers, `INVALID_ARGUMENT` if an option is wrong or unknown.
 */
export function createOpfs(options: CreateOptions): Promise<void> {
  return located('create', options, () => createVolume(checkCreateOptions(options)));
}

/**
 * Opens a volume. In a dedicated worker. It is locked, in all tabs of the origin, until the device is disconnected or its worker
 * ends; devices that are read-only share a lock.
 *
 * Rejects with `NOT_FOUND`, `LOCKED`, `CORRUPT` where the file is no volume, `UNSUPPORTED` where a newer version made it and
 * outside of dedicated workers, `INVALID_ARGUMENT` if an option is wrong or unknown.
 */
export function connectOpfs(options: ConnectOptions): Promise<BlockDevice> {
  return located('connect', options, async () => createDevice(await connectVolume(checkConnectOptions(options))));
}

/** The volumes of a folder, also those that are open, in the order of their names. In a page, too. */
export function listOpfs(options: FolderOptions = {}): Promise<OpfsVolume[]> {
  return located('list', options, () => listVolumes(checkFolderOptions(options)));
}

/** Deletes a volume, and gives its space back. In a page, too. Rejects with `NOT_FOUND`, and with `LOCKED` while it is open. */
export function deleteOpfs(options: VolumeOptions): Promise<void> {
  return located('delete', options, () => deleteVolume(checkVolumeOptions(options)));
}

async function located<T>(what: string, options: Partial<VolumeOptions>, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw fromDomError(error, `${what} ${options?.name ?? 'volumes'}`);
  }
}
