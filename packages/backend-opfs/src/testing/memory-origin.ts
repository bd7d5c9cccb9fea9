import type { FileHandle, FolderHandle } from '../file/handles.js';
import { domError, MemoryHandle } from './memory-handle.js';

/** A private file system of one folder, in memory, as far as this package uses one. */
export class MemoryOrigin implements FolderHandle {
  readonly kind = 'directory';
  readonly files = new Map<string, MemoryHandle>();
  /** Names of files that have a handle open. */
  readonly locked = new Set<string>();
  /** Called with each handle before it is handed out. */
  onOpen: (handle: MemoryHandle) => void = () => {};

  async getDirectoryHandle(): Promise<FolderHandle> {
    return this;
  }

  async getFileHandle(name: string, options?: { readonly create?: boolean }): Promise<FileHandle> {
    if (!this.files.has(name)) {
      if (options?.create !== true) throw domError('NotFoundError');
      this.files.set(name, new MemoryHandle());
    }
    return this.#handleOf(name);
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.files.has(name)) throw domError('NotFoundError');
    if (this.#isLocked(name)) throw domError('NoModificationAllowedError');
    this.files.delete(name);
    this.locked.delete(name);
  }

  async *values(): AsyncIterable<FileHandle> {
    for (const name of this.files.keys()) yield this.#handleOf(name);
  }

  #isLocked(name: string): boolean {
    return this.locked.has(name) && this.files.get(name)?.isClosed === false;
  }

  #handleOf(name: string): FileHandle {
    return {
      kind: 'file',
      name,
      getFile: async () => {
        const bytes = this.files.get(name)?.bytes ?? new Uint8Array(0);
        return {
          size: bytes.byteLength,
          slice: (start, end) => ({ arrayBuffer: async () => bytes.slice(start, end).buffer }),
        };
      },
      createSyncAccessHandle: async () => {
        if (this.#isLocked(name)) throw domError('NoModificationAllowedError');
        const { bytes, durable } = this.files.get(name) ?? new MemoryHandle();
        const handle = Object.assign(new MemoryHandle(), { bytes, durable });
        this.files.set(name, handle);
        this.locked.add(name);
        this.onOpen(handle);
        return handle;
      },
    };
  }
}

/** Puts the origin where the package looks for one, until the test is over. */
export function originOf(stub: (name: string, value: unknown) => void): MemoryOrigin {
  const origin = new MemoryOrigin();
  stub('navigator', { storage: { getDirectory: async () => origin } });
  return origin;
}
