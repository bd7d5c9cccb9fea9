import { BlockError, isBlockError } from '@blockyard/block';
import { fromDomError } from './dom-error.js';
import { OpfsDriver } from './driver.js';
import type { FileHandle, FolderHandle, NavigatorLike, SyncHandle } from './handles.js';
import { DATA_START_BYTES, decodeHeaders } from './header.js';
import type { ConnectOptions, CreateOptions, FolderOptions, VolumeOptions } from './options.js';
import { VolumeFile } from './volume-file.js';

/** One volume of a list. */
export interface OpfsVolume {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** Bytes that its file takes of the origin's quota. */
  readonly storedBytes: number;
}

/** Makes a volume, durable when this resolves. */
export function createVolume({ name, folder, sectorSize, sizeSectors }: Required<CreateOptions>): Promise<void> {
  return alone(name, folder, async () => {
    const parent = await openFolder(folder, true);
    const file = await parent.getFileHandle(name, { create: true });
    const handle = await openHandle(file, 'readwrite');
    let isHalfMade = false;
    try {
      if (VolumeFile.open(handle) !== undefined) throw new BlockError('ALREADY_EXISTS', `${name} is there already`);
      isHalfMade = true;
      VolumeFile.create(handle, sectorSize, sizeSectors);
      isHalfMade = false;
    } finally {
      handle.close();
      // No one else makes or deletes it meanwhile. Where it cannot be removed, it counts as not there, without a whole header.
      if (isHalfMade) await parent.removeEntry(name).catch(() => undefined);
    }
  });
}

/** A driver on the volume, which is locked from here on. Leaves nothing locked where it rejects. */
export async function connectVolume({ name, folder, readOnly }: Required<ConnectOptions>): Promise<OpfsDriver> {
  const parent = await openFolder(folder, false);
  const handle = await openHandle(await parent.getFileHandle(name), readOnly ? 'read-only' : 'readwrite');
  try {
    const file = VolumeFile.open(handle);
    if (file === undefined) throw new BlockError('NOT_FOUND', `the creation of ${name} was not completed`);
    if (!readOnly) file.dropBeyondEnd();
    return new OpfsDriver(file, `opfs:${folder}/${name}`, readOnly);
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** The volumes of a folder, by name; also those that are open. */
export async function listVolumes({ folder }: Required<FolderOptions>): Promise<OpfsVolume[]> {
  let parent: FolderHandle;
  try {
    parent = await openFolder(folder, false);
  } catch (error) {
    if (isBlockError(fromDomError(error, folder), 'NOT_FOUND')) return [];
    throw error;
  }
  const volumes: OpfsVolume[] = [];
  for await (const entry of parent.values()) {
    if (entry.kind !== 'file') continue;
    const found = await describe(entry);
    if (found !== undefined) volumes.push(found);
  }
  return volumes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function deleteVolume({ name, folder }: Required<VolumeOptions>): Promise<void> {
  return alone(name, folder, async () => {
    const parent = await openFolder(folder, false);
    await parent.removeEntry(name);
  });
}

/** Undefined for what is no volume, or one whose creation was not completed, or that is gone by now. */
async function describe(entry: FileHandle): Promise<OpfsVolume | undefined> {
  try {
    const file = await entry.getFile();
    const header = decodeHeaders(new Uint8Array(await file.slice(0, DATA_START_BYTES).arrayBuffer()));
    if (header === undefined) return undefined;
    const { sectorSize, sizeSectors } = header;
    return { name: entry.name, sectorSize, sizeSectors, storedBytes: file.size };
  } catch {
    return undefined;
  }
}

/** Creations and deletions of one name come one after the other, in all tabs of the origin. */
function alone<T>(name: string, folder: string, task: () => Promise<T>): Promise<T> {
  const { locks } = platform();
  return locks === undefined ? task() : locks.request(`blockyard-opfs:${folder}/${name}`, task);
}

async function openFolder(folder: string, create: boolean): Promise<FolderHandle> {
  const { storage } = platform();
  if (storage?.getDirectory === undefined) {
    throw new BlockError(
      'UNSUPPORTED',
      'there is no private file system here: it takes a browser and a secure context',
    );
  }
  const root = await storage.getDirectory();
  return root.getDirectoryHandle(folder, { create });
}

async function openHandle(file: FileHandle, mode: 'readwrite' | 'read-only'): Promise<SyncHandle> {
  if (file.createSyncAccessHandle === undefined) {
    throw new BlockError('UNSUPPORTED', 'only a dedicated worker can open a volume: elsewhere use overWorker');
  }
  return file.createSyncAccessHandle({ mode });
}

function platform(): NavigatorLike {
  return (globalThis as { readonly navigator?: NavigatorLike }).navigator ?? {};
}
