/**
 * What this package takes of the File System API, without the types of any platform:
 * https://fs.spec.whatwg.org/#api-filesystemsyncaccesshandle
 */
export interface SyncHandle {
  /** Bytes that were read: fewer than asked for at the end of the file. */
  read(buffer: Uint8Array, options: { readonly at: number }): number;
  /** Bytes that were written. */
  write(buffer: Uint8Array, options: { readonly at: number }): number;
  truncate(sizeBytes: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

export interface FileLike {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

export interface FileHandle {
  readonly kind: 'file';
  readonly name: string;
  getFile(): Promise<FileLike>;
  /** Only in dedicated workers. */
  createSyncAccessHandle?(options?: { readonly mode: 'readwrite' | 'read-only' }): Promise<SyncHandle>;
}

export interface FolderHandle {
  readonly kind: 'directory';
  getDirectoryHandle(name: string, options?: { readonly create?: boolean }): Promise<FolderHandle>;
  getFileHandle(name: string, options?: { readonly create?: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
  values(): AsyncIterable<FileHandle | FolderHandle>;
}

/** The part of `navigator` that this package takes. */
export interface NavigatorLike {
  readonly storage?: { getDirectory?(): Promise<FolderHandle> };
  readonly locks?: { request<T>(name: string, task: () => Promise<T>): Promise<T> };
}
