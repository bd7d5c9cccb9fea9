import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory, with those above it that are not there, of that mode. Gives the first one that it made; undefined if it was there.
 * Rejects with the error of the system.
 *
 * `mkdir` of Node with `recursive` is not used: Node 20 tries for ever where the system says `ENOENT` although the directory above is
 * there, as it does in `/proc`.
 */
export async function makeDirectories(path: string, mode?: number): Promise<string | undefined> {
  const wanted = [path];
  for (let at = dirname(path); (await found(at)) === undefined && at !== dirname(at); at = dirname(at)) {
    wanted.unshift(at);
  }
  let first: string | undefined;
  for (const each of wanted) {
    try {
      await mkdir(each, { mode });
      first ??= each;
    } catch (error) {
      // It was there, or another process made it meanwhile.
      if ((await found(each))?.isDirectory() !== true) throw error;
    }
  }
  return first;
}

async function found(path: string) {
  return stat(path).catch(() => undefined);
}
