import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseBtr1 } from './btr1.js';
import { parseCsv } from './csv.js';
import { type Trace, traceError } from './trace.js';

const GZIP_MAGIC = [0x1f, 0x8b];
/** A small file must not become more than memory holds. */
const UNPACKED_BYTES_MAX = 2 ** 30;

/** Reads a trace file of either format, BTR1 or CSV, compressed by gzip or not. Rejects with an `Error` that says what is wrong. */
export async function readTrace(path: string): Promise<Trace> {
  const name = basename(path).replace(/(\.btr|\.csv)?(\.gz)?$/, '');
  const file = await readFile(path);
  const isGzip = GZIP_MAGIC.every((byte, i) => file[i] === byte);
  const bytes = isGzip ? await unpack(file, name) : file;
  return bytes[0] === '{'.charCodeAt(0) ? parseBtr1(bytes, name) : parseCsv(bytes.toString('utf8'), name);
}

async function unpack(file: Buffer, name: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(file, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (cause) {
    throw traceError(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
}
