import { open } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import { messageOf, UsageError } from '../../terminal/failure.js';

/** Far more than a configuration is, and little enough to be read at once. */
const FILE_BYTES_MAX = 2 ** 20;

export type Table = Readonly<Record<string, unknown>>;

/** A file of TOML as tables. Rejects with a `UsageError` that names the line of what is no TOML. */
export async function readTables(path: string): Promise<Table> {
  const text = await readText(path).catch((error: unknown) => {
    throw new UsageError(`--config cannot be read: ${messageOf(error)}`);
  });
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw new UsageError(`${path}, line ${error.line}: ${first}`, 'the file is TOML, see https://toml.io');
  }
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

async function readText(path: string): Promise<string> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) return bytes.toString('utf8', 0, length);
      length += bytesRead;
      if (length > FILE_BYTES_MAX) throw new Error(`${path} has more than 1 MiB`);
    }
  } finally {
    await file.close();
  }
}
