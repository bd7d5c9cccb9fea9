import { type Trace, traceError } from './trace.js';

interface Header {
  readonly format?: unknown;
  readonly name?: unknown;
  readonly unit?: unknown;
  readonly blockSize?: unknown;
  readonly records?: unknown;
}

/** Two numbers of one byte each. */
const RECORD_BYTES_MIN = 2;

/**
 * Reads the format BTR1: a line of JSON, `{"format":"BTR1","name":...,"unit":bytes,"blockSize":bytes,"records":n}`, then per record
 * two LEB128 numbers: `zigzag(start - end of the record before) * 2 + isWrite`, and the length, both in units.
 *
 * Throws an `Error` that names `name` and what is wrong.
 */
export function parseBtr1(bytes: Uint8Array, name: string): Trace {
  const lineEnd = bytes.indexOf(10);
  const header = parseHeader(bytes.subarray(0, Math.max(0, lineEnd)), name);
  const unitBytes = countOf(header.unit, 'unit', name, 1);
  const records = countOf(header.records, 'records', name, 0);
  // Before memory is asked for.
  if (records > (bytes.byteLength - lineEnd - 1) / RECORD_BYTES_MIN) {
    throw traceError(name, `the trace must not end before the ${records} records that its header promises`);
  }
  const trace = {
    name: typeof header.name === 'string' ? header.name : name,
    unitBytes,
    blockBytes: countOf(header.blockSize, 'blockSize', name, 1),
    offsets: new Float64Array(records),
    lengths: new Float64Array(records),
    writes: new Uint8Array(records),
  };
  const numbers = new Leb128(bytes, lineEnd + 1, name);
  let end = 0;
  for (let i = 0; i < records; i++) {
    const first = numbers.next();
    const length = numbers.next();
    const zigzag = Math.floor(first / 2);
    const start = end + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
    end = start + length;
    if (start < 0 || !Number.isSafeInteger(end * unitBytes)) {
      throw traceError(name, `record ${i} lies outside of what a device can be`);
    }
    trace.offsets[i] = start * unitBytes;
    trace.lengths[i] = length * unitBytes;
    trace.writes[i] = first % 2;
  }
  if (!numbers.isAtEnd)
    throw traceError(name, `the trace goes on after the ${records} records that its header promises`);
  return trace;
}

function parseHeader(line: Uint8Array, name: string): Header {
  let header: Header | null;
  try {
    header = JSON.parse(new TextDecoder().decode(line)) as Header | null;
  } catch (cause) {
    throw traceError(name, 'the first line must be the JSON header of a BTR1 trace', cause);
  }
  if (header?.format === 'BTR1') return header;
  throw traceError(name, `format must be "BTR1", not ${JSON.stringify(header?.format)}`);
}

function countOf(value: unknown, what: string, name: string, min: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
  throw traceError(name, `${what} of the header must be a whole number from ${min}`);
}

/** Unsigned numbers of seven bits a byte, low bits first. They exceed 32 bits, so no shifts. */
class Leb128 {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #at: number;

  constructor(bytes: Uint8Array, at: number, name: string) {
    this.#bytes = bytes;
    this.#at = at;
    this.#name = name;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  next(): number {
    let value = 0;
    for (let place = 1; ; place *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw traceError(this.#name, 'the trace must not end within a record');
      value += (byte & 127) * place;
      if (!Number.isSafeInteger(value)) throw traceError(this.#name, 'a number exceeds 2^53 - 1');
      if (byte < 128) return value;
    }
  }
}
