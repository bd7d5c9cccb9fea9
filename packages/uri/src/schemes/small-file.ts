import { open } from 'node:fs/promises';
import { BlockError } from '@blockyard/block';
import { invalid } from '../syntax/invalid.js';

/**
 * All of a small file, which may be a pipe, that the parameter `name` names. Throws `INVALID_ARGUMENT`, which tells nothing of what
 * is in it, if it cannot be read or is longer than `maxBytes`.
 */
export async function readSmallFile(name: string, path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(maxBytes + 1);
  let length = 0;
  try {
    const file = await open(path, 'r');
    try {
      for (let read = -1; read !== 0 && length < bytes.byteLength; length += read) {
        read = (await file.read(bytes, length, bytes.byteLength - length)).bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new BlockError('INVALID_ARGUMENT', `${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (length > maxBytes) throw invalid(`the file of ${name} has more than ${maxBytes} bytes`);
  return bytes.slice(0, length);
}
