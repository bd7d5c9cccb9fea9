import type { BigIntStats } from 'node:fs';
import { BlockError } from '@blockyard/block';

/** What can serve as a device. */
export type FileKind = 'regular' | 'raw';

/** The kind of a file, or `UNSUPPORTED` for what has no sectors. */
export function kindOf(path: string, stats: BigIntStats): FileKind {
  if (stats.isFile()) return 'regular';
  if (stats.isBlockDevice()) return 'raw';
  throw new BlockError('UNSUPPORTED', `${path} is ${nameOf(stats)}, neither a regular file nor a block device`);
}

function nameOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  if (stats.isCharacterDevice()) return 'a character device';
  return 'of an unknown kind';
}
