import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes the name of a new file durable, which `fsync` of the file alone does not promise. Windows has no such call. */
export async function syncDirectoryOf(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
