export type { Disk, DiskFile } from './disk.js';
export { type DirectoryStoreOptions, openDirectoryStore } from './open.js';
