import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { isBlockError } from '@blockyard/block';
import { type Prices, pricesOf, S3_STANDARD_PRICES } from '@blockyard/object-store';
import { Option } from 'commander';
import { messageOf, UsageError } from '../terminal/failure.js';

const NONE = 'none';
/** Far more than a table is, and little enough to be read at once. */
const FILE_BYTES_MAX = 65_536;

export function pricesOption(): Option {
  return new Option('--prices <file>', 'prices of the store, as JSON, or none (default: S3 Standard)');
}

/** The table that the option names. Undefined: dollars are left out. */
export async function readPrices(option: string | undefined): Promise<Prices | undefined> {
  if (option === undefined) return S3_STANDARD_PRICES;
  if (option === NONE) return undefined;
  try {
    return pricesOf(JSON.parse(await readSmall(option)));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(`--prices ${option} is not JSON: ${error.message}`);
    if (isBlockError(error)) throw new UsageError(`--prices ${option}: ${error.message}`);
    throw error;
  }
}

/** All of a small file, which may be a pipe. */
async function readSmall(path: string): Promise<string> {
  const read = await text(createReadStream(path, { end: FILE_BYTES_MAX })).catch((error: unknown) => {
    throw new UsageError(`--prices cannot be read: ${messageOf(error)}`);
  });
  if (Buffer.byteLength(read) > FILE_BYTES_MAX) throw new UsageError(`--prices ${path} has more than 64 KiB`);
  return read;
}
