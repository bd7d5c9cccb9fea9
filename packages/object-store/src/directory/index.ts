export type { Disk, DiskFile } from './disk.js';
export { findDirectoryStore, isFreeForStore } from './find.js';
export { makeDirectories } from './make-directories.js';
export { type DirectoryStoreOptions, openDirectoryStore } from './open.js';
