import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Requests in their order, in columns: byte offset, byte length, 1 for a write. */
export interface Trace {
  readonly name: string;
  /** What the trace counts in. Above 512 its addresses are page numbers, and lines of another size have no meaning. */
  readonly unitBytes: number;
  /** The block size that its author recommends. */
  readonly blockBytes: number;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
  readonly writes: Uint8Array;
}

/** Whether positions are true to the byte (or sector), so that any block size makes sense. */
export function hasByteAddresses(trace: Trace): boolean {
  return trace.unitBytes <= 512;
}

const GZIP_MAGIC = [0x1f, 0x8b];
const CSV_BLOCK_BYTES = 4096;

/** The trace files of a folder, by name; none if there is no folder. */
export async function tracesIn(folder: string | undefined): Promise<string[]> {
  if (folder === undefined) return [];
  const names = (await readdir(folder)).filter((name) => /\.(btr|csv)(\.gz)?$/.test(name)).sort();
  return names.map((name) => join(folder, name));
}

/**
 * Reads a trace file, compressed by gzip or not, of either format:
 *
 * - BTR1: a line of JSON, `{"format":"BTR1","name":...,"unit":bytes,"blockSize":bytes,"records":n}`, then per record two LEB128
 *   numbers: `zigzag(start - end of the record before) * 2 + isWrite`, and the length, both in units;
 * - CSV: `offset,bytes,op` a line, where op is `R`, `W`, `read` or `write`. A heading is skipped.
 */
export async function readTrace(path: string): Promise<Trace> {
  const file = await readFile(path);
  const isGzip = GZIP_MAGIC.every((byte, i) => file[i] === byte);
  const bytes = isGzip ? await promisify(gunzip)(file) : file;
  const name = basename(path).replace(/(\.btr|\.csv)?(\.gz)?$/, '');
  return bytes[0] === '{'.charCodeAt(0) ? parseBtr1(bytes, name) : parseCsv(bytes.toString('utf8'), name);
}

interface Btr1Header {
  readonly format: unknown;
  readonly name?: string;
  readonly unit: number;
  readonly blockSize: number;
  readonly records: number;
}

export function parseBtr1(bytes: Uint8Array, name: string): Trace {
  const lineEnd = bytes.indexOf(10);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, lineEnd))) as Btr1Header;
  if (header.format !== 'BTR1') throw new Error(`${name}: format must be "BTR1", not ${JSON.stringify(header.format)}`);
  const trace = columns(header.name ?? name, header.unit, header.blockSize, header.records);
  const numbers = new Leb128(bytes, lineEnd + 1);
  let end = 0;
  for (let i = 0; i < header.records; i++) {
    const first = numbers.next();
    const length = numbers.next();
    const zigzag = Math.floor(first / 2);
    const start = end + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
    end = start + length;
    trace.offsets[i] = start * header.unit;
    trace.lengths[i] = length * header.unit;
    trace.writes[i] = first % 2;
  }
  return trace;
}

export function parseCsv(text: string, name: string): Trace {
  const lines = text.split('\n').filter((line) => /^\s*\d/.test(line));
  const trace = columns(name, 1, CSV_BLOCK_BYTES, lines.length);
  for (const [i, line] of lines.entries()) {
    const [offset, length, op] = line.split(',').map((field) => field.trim());
    if (!isCount(offset) || !isCount(length) || op === undefined || !/^(r|w|read|write)$/i.test(op)) {
      throw new Error(`${name}: "${line.trim()}" must be "offset,bytes,op" with an op of R, W, read or write`);
    }
    trace.offsets[i] = Number(offset);
    trace.lengths[i] = Number(length);
    trace.writes[i] = /^w/i.test(op) ? 1 : 0;
  }
  return trace;
}

function isCount(field: string | undefined): boolean {
  return field !== undefined && field !== '' && Number.isSafeInteger(Number(field)) && Number(field) >= 0;
}

function columns(name: string, unitBytes: number, blockBytes: number, requests: number): Trace {
  return {
    name,
    unitBytes,
    blockBytes,
    offsets: new Float64Array(requests),
    lengths: new Float64Array(requests),
    writes: new Uint8Array(requests),
  };
}

/** Unsigned numbers of seven bits a byte, low bits first. They exceed 32 bits, so no shifts. */
class Leb128 {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  next(): number {
    let value = 0;
    for (let place = 1; ; place *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new Error('the trace must not end within a record');
      value += (byte & 127) * place;
      if (byte < 128) return value;
    }
  }
}
