import { chmod, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlockDevice, BlockError, fromErrno, isBlockError, unlessErrno } from '@blockyard/block';
import { invalid } from '../syntax/invalid.js';
import { TIER_SECTOR_BYTES } from './sizes.js';

/** What is in a tier's folder. Each is a file, or a link to a raw disk, and a block device. */
export const TIER_FILES = { objectCache: 'object-cache', writeLog: 'write-log' } as const;

/** The data of the device are in it: no one else's to read. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

export interface MediumSize {
  /** Of a new one. */
  readonly newBytes: number;
  /** Whether one that is there gets that size too. */
  readonly isForced: boolean;
  /** Whether a new one is written with zeroes as a whole: see {@link writeAll}. */
  readonly isWritten?: boolean;
}

/** Zeroes in one write. */
const ZEROES_BYTES = 1 << 20;

/**
 * Opens a file of a tier, locked; makes it, and the folder, where they are not there. One that is there keeps its bytes if it
 * grows, and loses them if it shrinks.
 *
 * Rejects with `LOCKED` while another process has the tier, `NO_SPACE` if a new file does not fit, `INVALID_ARGUMENT` if
 * something else than a folder is there, `ACCESS_DENIED`, and as a file's `connect` does.
 */
export async function openMedium(directory: string, name: string, size: MediumSize): Promise<BlockDevice> {
  await makeFolder(directory);
  const path = join(directory, name);
  const isNew = (await unlessErrno(['ENOENT'], stat(path)).catch(placed(directory))) === undefined;
  const device = await connect(path, size).catch(placed(directory));
  try {
    if (isNew) await chmod(path, FILE_MODE);
    if (isNew && size.isWritten === true) await writeAll(device, 0);
    if (size.isForced) await resizeMedium(directory, name, device, size.newBytes);
    return device;
  } catch (error) {
    await device.disconnect({ force: true });
    if (isNew) await rm(path, { force: true });
    return placed(directory)(error);
  }
}

/**
 * Opens a file of a tier that is there, for reading. Rejects with `NOT_FOUND` if it is not, and with `LOCKED` while a process has
 * the tier, unless the file is read beside that: what is being written may then be read half.
 */
export async function openMediumToRead(directory: string, name: string, isBeside = false): Promise<BlockDevice> {
  const { connectFile } = await import('@blockyard/backend-file');
  const path = join(directory, name);
  const options = { path, sectorSize: TIER_SECTOR_BYTES, readOnly: true, lock: !isBeside };
  return connectFile(options).catch(placed(directory));
}

/**
 * Gives a file of a tier another size. It keeps its bytes if it grows, and loses them if it shrinks. A raw disk stays as it is.
 * Gives the sector from which on the file is new; undefined if none is.
 */
export async function resizeMedium(
  directory: string,
  name: string,
  device: BlockDevice,
  sizeBytes: number,
): Promise<number | undefined> {
  if ((await stat(join(directory, name))).isBlockDevice()) return undefined;
  return resize(device, sizeBytes);
}

/**
 * Writes zeroes from that sector on. Where a file system takes note of space when it is written for the first time, every flush of
 * the first lap would wait for that note as well, and take twice as long.
 */
export async function writeAll(device: BlockDevice, startSector: number): Promise<void> {
  const { sectorSize, sizeSectors } = device.info;
  const zeroes = new Uint8Array(ZEROES_BYTES);
  const step = ZEROES_BYTES / sectorSize;
  for (let sector = startSector; sector < sizeSectors; sector += step) {
    await device.write(sector, [zeroes.subarray(0, Math.min(step, sizeSectors - sector) * sectorSize)]);
  }
  await device.flush();
}

async function makeFolder(directory: string): Promise<void> {
  const { makeDirectories } = await import('@blockyard/object-store/directory');
  // Nothing is changed if it is there.
  await makeDirectories(directory, FOLDER_MODE).catch(async (error: unknown) => {
    const found = await stat(directory).catch(() => undefined);
    if (found === undefined) return placed(directory)(error);
    throw invalid(`the tier ${directory} is no folder`);
  });
}

/** Its space is taken at once where that can be, so that one that does not fit is known from the start. */
async function connect(path: string, { newBytes }: MediumSize): Promise<BlockDevice> {
  const { connectFile } = await import('@blockyard/backend-file');
  const make = (reserve: boolean) =>
    connectFile({
      path,
      sectorSize: TIER_SECTOR_BYTES,
      create: { sizeSectors: newBytes / TIER_SECTOR_BYTES, ifMissing: true, reserve },
    });
  try {
    return await make(true);
  } catch (error) {
    if (!isBlockError(error, 'UNSUPPORTED')) throw error;
    return make(false);
  }
}

async function resize(device: BlockDevice, sizeBytes: number): Promise<number | undefined> {
  const sizeSectors = sizeBytes / TIER_SECTOR_BYTES;
  if (sizeSectors === device.info.sizeSectors) return undefined;
  // Without its end it is not what it says: it begins anew.
  if (sizeSectors < device.info.sizeSectors) await device.resize(0);
  const firstNew = device.info.sizeSectors;
  await device.resize(sizeSectors);
  await device.flush();
  return firstNew;
}

/** Says of a failure that it is the tier's. */
function placed(directory: string): (error: unknown) => never {
  return (error) => {
    const cause = fromErrno(error);
    const device = `tier ${directory}`;
    throw new BlockError(cause.code, `${device}: ${explained(cause)}`, { device, cause });
  };
}

function explained({ code, message }: BlockError): string {
  if (code === 'LOCKED') return 'another process has it, and a tier is of one process at a time';
  if (code === 'NO_SPACE') return `there is no room for it; a smaller size takes less (${message})`;
  return message;
}
