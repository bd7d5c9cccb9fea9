import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { formatSize } from '@blockyard/uri';

/** Of the running Node binary, which is several times as large. */
const DEFAULT_BYTES = 32 * 2 ** 20;

/** Bytes in one piece. */
export const PIECE_BYTES = 2 ** 20;

/** The first `lengthBytes` of a file. */
export interface Input {
  readonly path: string;
  readonly lengthBytes: number;
  readonly description: string;
}

/** Looks at the input. Rejects if it cannot be used. */
export async function findInput(path: string | undefined): Promise<Input> {
  const from = path ?? process.execPath;
  const { size } = await inputErrors(from, async () => {
    const found = await stat(from);
    if (!found.isFile()) throw new Error('it is no regular file');
    if (found.size === 0) throw new Error('it is empty');
    return found;
  });
  const lengthBytes = path === undefined ? Math.min(size, DEFAULT_BYTES) : size;
  const whole = lengthBytes === size ? '' : `the first ${formatSize(lengthBytes)} of `;
  const description = `${whole}${path === undefined ? 'the running Node binary, ' : ''}${from}`;
  return { path: from, lengthBytes, description };
}

/**
 * Reads the input in pieces, filled up with zeroes to whole multiples of `unitBytes`, gives each to `use` and waits for it.
 * Gives the input's SHA-256.
 */
export async function readInput(
  input: Input,
  unitBytes: number,
  use: (positionBytes: number, piece: Uint8Array) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  const file = await inputErrors(input.path, () => open(input.path));
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    for (let at = 0; at < input.lengthBytes; at += PIECE_BYTES) {
      const piece = buffer.subarray(0, Math.min(PIECE_BYTES, input.lengthBytes - at));
      await inputErrors(input.path, () => fill(file, at, piece));
      hash.update(piece);
      const paddedBytes = Math.ceil(piece.byteLength / unitBytes) * unitBytes;
      buffer.fill(0, piece.byteLength, paddedBytes);
      await use(at, buffer.subarray(0, paddedBytes));
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function fill(file: FileHandle, position: number, piece: Uint8Array): Promise<void> {
  for (let filled = 0; filled < piece.byteLength; ) {
    const { bytesRead } = await file.read(piece, filled, piece.byteLength - filled, position + filled);
    if (bytesRead === 0) throw new Error('it became shorter while it was read');
    filled += bytesRead;
  }
}

async function inputErrors<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw new Error(`cannot read the input ${path}: ${(error as Error).message}`, { cause: error });
  }
}
