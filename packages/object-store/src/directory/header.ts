import { crc32 } from 'node:zlib';
import { isId } from '../ids.js';

/** What stands before an object's body in its file. */
export interface Header {
  readonly key: string;
  /** Random, new with each PUT: the ETag, without its quotes. */
  readonly version: string;
  readonly sizeBytes: number;
  readonly stamp: string;
}

/** A header that was read, and where the body begins. */
export interface FoundHeader extends Header {
  readonly bodyOffset: number;
}

const MAGIC = 'blkyobj1';

/** The fields by their first byte; numbers are little-endian. The JSON follows. */
const AT = { magic: 0, jsonBytes: 8, check: 12, json: 16 } as const;

/** No header has more: a key and a stamp of 1,024 bytes each, and what JSON makes of them. */
export const MAX_HEADER_BYTES = 16_384;

export function encodeHeader({ key, version, sizeBytes, stamp }: Header): Buffer {
  const json = Buffer.from(JSON.stringify({ key, version, sizeBytes, stamp }));
  const header = Buffer.alloc(AT.json + json.length);
  header.write(MAGIC, AT.magic, 'latin1');
  header.writeUInt32LE(json.length, AT.jsonBytes);
  header.writeUInt32LE(crc32(json), AT.check);
  json.copy(header, AT.json);
  return header;
}

/** The header at the beginning of these bytes of a file, or undefined if there is no whole one. */
export function decodeHeader(bytes: Buffer): FoundHeader | undefined {
  if (bytes.length < AT.json || bytes.toString('latin1', AT.magic, MAGIC.length) !== MAGIC) return undefined;
  const bodyOffset = AT.json + bytes.readUInt32LE(AT.jsonBytes);
  const json = bytes.subarray(AT.json, bodyOffset);
  if (bodyOffset > bytes.length || crc32(json) !== bytes.readUInt32LE(AT.check)) return undefined;
  const header: unknown = JSON.parse(json.toString('utf8'));
  return isHeader(header) ? { ...header, bodyOffset } : undefined;
}

function isHeader(value: unknown): value is Header {
  const { key, version, sizeBytes, stamp } = (value ?? {}) as Record<string, unknown>;
  return typeof key === 'string' && isId(version) && Number.isSafeInteger(sizeBytes) && typeof stamp === 'string';
}
