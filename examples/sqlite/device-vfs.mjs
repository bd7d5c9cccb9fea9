// SQLite's files in block devices: https://www.sqlite.org/vfs.html, by way of wa-sqlite, which can wait for promises.
import * as VFS from 'wa-sqlite/src/VFS.js';
import { ByteFile } from './byte-file.mjs';

/** Each device is a file, known by its name. The database is one, and its rollback journal is another. */
export class DeviceVfs extends VFS.Base {
  name = 'devices';
  #files;
  #open = new Map();

  constructor(files) {
    super();
    this.#files = files;
  }

  /** @param devices by the name of the file that is in them, as an object */
  static async over(devices) {
    const files = new Map();
    for (const [name, device] of Object.entries(devices)) files.set(name, await ByteFile.open(device));
    return new DeviceVfs(files);
  }

  xOpen(name, fileId, flags, outFlags) {
    const file = this.#files.get(name);
    if (file === undefined) return VFS.SQLITE_CANTOPEN;
    this.#open.set(fileId, file);
    outFlags.setInt32(0, flags, true);
    return VFS.SQLITE_OK;
  }

  xClose(fileId) {
    this.#open.delete(fileId);
    return VFS.SQLITE_OK;
  }

  xRead(fileId, data, offset) {
    return this.#run(fileId, VFS.SQLITE_IOERR_READ, async (file) => {
      const bytes = await file.read(offset, data.byteLength);
      data.set(bytes);
      return offset + data.byteLength > file.sizeBytes ? VFS.SQLITE_IOERR_SHORT_READ : VFS.SQLITE_OK;
    });
  }

  xWrite(fileId, data, offset) {
    // SQLite's memory may move while this waits.
    const bytes = data.slice();
    return this.#run(fileId, VFS.SQLITE_IOERR_WRITE, (file) => file.write(offset, bytes));
  }

  xTruncate(fileId, sizeBytes) {
    return this.#run(fileId, VFS.SQLITE_IOERR_TRUNCATE, (file) => file.truncate(sizeBytes));
  }

  /** What SQLite means by a sync is what a device means by a flush. */
  xSync(fileId) {
    return this.#run(fileId, VFS.SQLITE_IOERR_FSYNC, (file) => file.flush());
  }

  xFileSize(fileId, outSize) {
    outSize.setBigInt64(0, BigInt(this.#open.get(fileId).sizeBytes), true);
    return VFS.SQLITE_OK;
  }

  xSectorSize(fileId) {
    return this.#open.get(fileId).sectorSize;
  }

  /** No crash tears a sector, nor touches one beside it. */
  xDeviceCharacteristics() {
    return VFS.SQLITE_IOCAP_POWERSAFE_OVERWRITE;
  }

  xAccess(name, _, outResult) {
    outResult.setInt32(0, (this.#files.get(name)?.sizeBytes ?? 0) > 0 ? 1 : 0, true);
    return VFS.SQLITE_OK;
  }

  xDelete(name) {
    return this.handleAsync(async () => {
      const file = this.#files.get(name);
      await file?.truncate(0);
      await file?.flush();
      return VFS.SQLITE_OK;
    });
  }

  #run(fileId, code, task) {
    return this.handleAsync(async () => {
      try {
        return (await task(this.#open.get(fileId))) ?? VFS.SQLITE_OK;
      } catch (error) {
        return error.code === 'NO_SPACE' || error.code === 'OUT_OF_BOUNDS' ? VFS.SQLITE_FULL : code;
      }
    });
  }
}
