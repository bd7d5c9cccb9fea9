import { dirname, join } from 'node:path';
import { BlockError, errnoOf, isBlockError, unlessErrno } from '@blockyard/block';
import { holds } from '../condition.js';
import { newId } from '../ids.js';
import { busy } from '../read.js';
import type { Condition, Listed } from '../store.js';
import type { ObjectVersion } from '../version.js';
import type { Disk, DiskFile } from './disk.js';
import { decodeHeader, encodeHeader, type FoundHeader, MAX_HEADER_BYTES } from './header.js';
import { NEW_DIRECTORY, pathOf, segmentOfDirectory, segmentOfFile } from './names.js';

/** Directories that are known to be durable, so that they are not made durable again. */
const MAX_DURABLE_DIRECTORIES = 1024;

/** Times that an object may be deleted and made again while it is looked at. */
const MAX_REPEATS = 5;

/** Where hard links do not work. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** An object's file that is open: what is read from it is of this version, whatever happens to the object meanwhile. */
export interface OpenObject {
  readonly version: ObjectVersion;
  readonly modifiedMs: number;
  readonly bodyOffset: number;
  readonly file: DiskFile;
}

/** What has the name that was to be given to another version. */
export interface Found {
  readonly version: ObjectVersion | undefined;
}

/** The files of a store in a directory. Failures are those of the system; damage is `CORRUPT`. */
export class ObjectFiles {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #durable = new Set<string>();

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /** The caller closes its file. Undefined if there is no such object. */
  async open(key: string): Promise<OpenObject | undefined> {
    const path = this.#pathOf(key);
    const file = await unlessErrno(['ENOENT', 'ENOTDIR'], this.#disk.open(path, 'r'));
    if (file === undefined) return undefined;
    try {
      const { sizeBytes: fileBytes, modifiedMs } = await file.stat();
      const { version, sizeBytes, stamp, bodyOffset } = await this.#readHeader(file, path, key);
      if (fileBytes !== bodyOffset + sizeBytes) {
        throw new BlockError('CORRUPT', `${path}: has ${fileBytes} bytes, not ${bodyOffset + sizeBytes}`);
      }
      return { version: { etag: `"${version}"`, sizeBytes, stamp }, modifiedMs, bodyOffset, file };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** What there is, without its body. */
  async find(key: string): Promise<Pick<OpenObject, 'version' | 'modifiedMs'> | undefined> {
    const found = await this.open(key);
    await found?.file.close();
    return found;
  }

  /** What a listing tells. A damaged one is told of as well, with the bytes of its file: it can be deleted. */
  async look(key: string): Promise<Omit<Listed, 'key'> | undefined> {
    try {
      const found = await this.find(key);
      return found && { etag: found.version.etag, sizeBytes: found.version.sizeBytes, modifiedMs: found.modifiedMs };
    } catch (error) {
      if (!isBlockError(error, 'CORRUPT')) throw error;
    }
    const file = await unlessErrno(['ENOENT', 'ENOTDIR'], this.#disk.open(this.#pathOf(key), 'r'));
    if (file === undefined) return undefined;
    try {
      return { etag: '""', ...(await file.stat()) };
    } finally {
      await file.close();
    }
  }

  /** Writes an object where no key leads, durably. Gives its path, and its ETag for when it is put in its place. */
  async write(key: string, body: Uint8Array, stamp: string): Promise<{ readonly path: string; readonly etag: string }> {
    const version = newId();
    const path = join(this.#root, NEW_DIRECTORY, version);
    const file = await this.#disk.open(path, 'wx');
    try {
      const header = encodeHeader({ key, version, sizeBytes: body.byteLength, stamp });
      await writeAll(file, header, 0);
      await writeAll(file, body, header.byteLength);
      await file.sync();
    } catch (error) {
      await this.remove(path);
      throw error;
    } finally {
      await file.close();
    }
    return { path, etag: `"${version}"` };
  }

  /** Takes away what was written and is not needed. What stays after a failure is found by age. */
  async remove(path: string): Promise<void> {
    await this.#disk.unlink(path).catch(() => {});
  }

  /** Makes the directories of a key's file, durably. */
  async prepare(key: string): Promise<void> {
    const segments = dirname(pathOf(key)).split('/');
    let parent = this.#root;
    for (const segment of segments[0] === '.' ? [] : segments) {
      const path = join(parent, segment);
      if (!this.#durable.has(path)) {
        await unlessErrno(['EEXIST'], this.#disk.mkdir(path));
        // Also where another process has made it: that one may not have come so far.
        await this.#disk.syncDirectory(parent);
        if (this.#durable.size >= MAX_DURABLE_DIRECTORIES) this.#durable.clear();
        this.#durable.add(path);
      }
      parent = path;
    }
  }

  /**
   * Gives a file that was written the name of the object, if there is none: undefined. What is there instead, otherwise. Needs
   * no lock: the system makes the name for one process only.
   */
  async create(path: string, key: string): Promise<ObjectVersion | undefined> {
    for (let repeats = 0; repeats < MAX_REPEATS; repeats++) {
      if (await this.#link(path, this.#pathOf(key))) return undefined;
      const found = await this.find(key);
      if (found !== undefined) return found.version;
    }
    throw busy(this.#pathOf(key));
  }

  /** Puts a file that was written in the place of the object, if the condition holds. Call it with the lock held. */
  async replace(path: string, key: string, condition: Condition): Promise<'done' | Found> {
    const version = (await this.find(key))?.version;
    if (!holds(condition, version)) return { version };
    await this.#disk.rename(path, this.#pathOf(key));
    return 'done';
  }

  /** Deletes the object if it is of that version, or whatever version it is. Call it with the lock held. */
  async delete(key: string, etag: string | undefined): Promise<'gone' | 'changed'> {
    if (etag !== undefined) {
      const found = await this.find(key);
      if (found !== undefined && found.version.etag !== etag) return 'changed';
    }
    await unlessErrno(['ENOENT', 'ENOTDIR'], this.#disk.unlink(this.#pathOf(key)));
    return 'gone';
  }

  /** Makes durable which objects there are beside this one. */
  async sync(keys: readonly string[]): Promise<void> {
    for (const path of new Set(keys.map((key) => dirname(this.#pathOf(key))))) {
      await unlessErrno(['ENOENT', 'ENOTDIR'], this.#disk.syncDirectory(path));
    }
  }

  /** The keys that begin with `prefix`, in no particular order. */
  async keys(prefix: string): Promise<string[]> {
    const found: string[] = [];
    await this.#walk(this.#root, '', prefix, found);
    return found;
  }

  async #walk(directory: string, parent: string, prefix: string, found: string[]): Promise<void> {
    const names = (await unlessErrno(['ENOENT', 'ENOTDIR'], this.#disk.readdir(directory))) ?? [];
    for (const name of names) {
      if (!name.endsWith('/')) {
        const segment = segmentOfFile(name);
        if (segment !== undefined && (parent + segment).startsWith(prefix)) found.push(parent + segment);
        continue;
      }
      const segment = segmentOfDirectory(name.slice(0, -1));
      if (segment === undefined) continue;
      const below = `${parent}${segment}/`;
      if (below.startsWith(prefix) || prefix.startsWith(below)) {
        await this.#walk(join(directory, name), below, prefix, found);
      }
    }
  }

  async #link(path: string, newPath: string): Promise<boolean> {
    try {
      await this.#disk.link(path, newPath);
      return true;
    } catch (error) {
      const errno = errnoOf(error) ?? '';
      if (errno === 'EEXIST') return false;
      if (!NO_LINKS.includes(errno)) throw error;
      throw new BlockError('UNSUPPORTED', `${newPath}: the file system has no hard links`, { cause: error });
    }
  }

  async #readHeader(file: DiskFile, path: string, key: string): Promise<FoundHeader> {
    const bytes = Buffer.alloc(MAX_HEADER_BYTES);
    const header = decodeHeader(bytes.subarray(0, await readAll(file, bytes, 0)));
    if (header === undefined) throw new BlockError('CORRUPT', `${path}: has no header, or a damaged one`);
    if (header.key !== key) {
      throw new BlockError(
        'CORRUPT',
        `${path}: is the object ${JSON.stringify(header.key)}, not ${JSON.stringify(key)}`,
      );
    }
    return header;
  }

  #pathOf(key: string): string {
    return join(this.#root, pathOf(key));
  }
}

/** Fills the target as far as the file has bytes. Gives how many. */
export async function readAll(file: DiskFile, target: Uint8Array, offset: number): Promise<number> {
  let filled = 0;
  while (filled < target.byteLength) {
    const read = await file.read(target.subarray(filled), offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}

async function writeAll(file: DiskFile, bytes: Uint8Array, offset: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    written += await file.write(bytes.subarray(written), offset + written);
  }
}
