import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';

/** The calls of the system that a store in a directory is made of, so that a test can watch them and make them fail. */
export interface Disk {
  /** With the flags of Node. */
  open(path: string, flags: string): Promise<DiskFile>;
  /** Makes a second name. Fails with `EEXIST` if it is taken: of several processes, one succeeds. */
  link(path: string, newPath: string): Promise<void>;
  /** In one step, in place of what has the new name. */
  rename(path: string, newPath: string): Promise<void>;
  /** Takes a name away. */
  unlink(path: string): Promise<void>;
  /** Fails with `EEXIST` if it is there. */
  mkdir(path: string): Promise<void>;
  /** Names, with a slash behind those of directories. */
  readdir(path: string): Promise<string[]>;
  /** When it was written last, in milliseconds since 1970. */
  modifiedMs(path: string): Promise<number>;
  /** Makes names in a directory durable, and that others are gone. */
  syncDirectory(path: string): Promise<void>;
}

/** An open file, as a directory store uses it. */
export interface DiskFile {
  readonly fd: number;
  /** Reads at a byte of the file. Gives how many bytes came. */
  read(target: Uint8Array, offset: number): Promise<number>;
  /** Writes at a byte of the file. Gives how many bytes were taken. */
  write(bytes: Uint8Array, offset: number): Promise<number>;
  /** Makes the contents durable. */
  sync(): Promise<void>;
  /** Size, and when it was written last, in milliseconds since 1970. */
  stat(): Promise<{ readonly sizeBytes: number; readonly modifiedMs: number }>;
  /** Lets go of the file. */
  close(): Promise<void>;
}

export const systemDisk: Disk = {
  open: async (path, flags) => fileOf(await open(path, flags)),
  link,
  rename,
  unlink,
  mkdir: async (path) => void (await mkdir(path)),
  readdir: async (path) => {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  },
  modifiedMs: async (path) => (await stat(path)).mtimeMs,
  syncDirectory: async (path) => {
    // Windows has no such call.
    if (process.platform === 'win32') return;
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

function fileOf(handle: FileHandle): DiskFile {
  return {
    fd: handle.fd,
    read: async (target, offset) => (await handle.read(target, 0, target.byteLength, offset)).bytesRead,
    write: async (bytes, offset) => (await handle.write(bytes, 0, bytes.byteLength, offset)).bytesWritten,
    sync: () => handle.sync(),
    stat: async () => {
      const { size, mtimeMs } = await handle.stat();
      return { sizeBytes: size, modifiedMs: mtimeMs };
    },
    close: () => handle.close(),
  };
}
