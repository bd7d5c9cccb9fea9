/** Storages that tests use, which have no types. */
declare module 'random-access-memory' {
  import type { Storage } from './storage.js';

  const RandomAccessMemory: new () => Storage;

  // biome-ignore lint/style/noDefaultExport: the package has one
  export { RandomAccessMemory as default };
}
declare module 'random-access-file' {
  import type { Storage } from './storage.js';

  const RandomAccessFile: new (path: string) => Storage;

  // biome-ignore lint/style/noDefaultExport: the package has one
  export { RandomAccessFile as default };
}
/** A file system on a disk of file-disk, which has no types either. */
declare module 'ext2fs' {
  import type { promises } from 'node:fs';
  import type { Disk } from 'file-disk';

  const ext2fs: {
    withMountedDisk(
      disk: Disk,
      offset: number,
      work: (fs: { readonly promises: Pick<typeof promises, 'readdir' | 'readFile' | 'writeFile'> }) => Promise<void>,
    ): Promise<void>;
  };

  // biome-ignore lint/style/noDefaultExport: the package has one
  export { ext2fs as default };
}
