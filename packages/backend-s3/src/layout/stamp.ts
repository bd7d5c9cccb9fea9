import { crc32 } from 'node:zlib';
import { isId } from '@blockyard/object-store';

/**
 * Who wrote an object, beside it in the store: answers to GET and HEAD bring it along.
 *
 * By the epoch a writer finds out that a later one has been here. By the id it recognizes its own write when the answer to a
 * PUT was lost.
 */
export interface Stamp {
  readonly volumeId: string;
  readonly epoch: number;
  /** Random, one for each PUT. */
  readonly writeId: string;
  /** What the stamp of a data object says beside that. Left out: the root, a probe, or a data object of version 1. */
  readonly data?: DataStamp | undefined;
}

/** What one version of a data object is, beside whose. */
export interface DataStamp {
  /** Number of the object in the volume. */
  readonly index: number;
  /** Of the writer: two writers of one epoch, as after a root was put back, differ in it. */
  readonly opening: string;
  /** Bytes of the volume in the object. */
  readonly dataBytes: number;
}

const DATA_STAMP_VERSION = '2';

/**
 * `<volumeId>/<epoch>/<writeId>`, or for a data object `2/<volumeId>/<index>/<epoch>/<opening>/<writeId>/<dataBytes>/<check>`:
 * numbers are decimal, the check is the CRC-32 of all before its slash as eight hexadecimal digits.
 */
export function encodeStamp({ volumeId, epoch, writeId, data }: Stamp): string {
  if (data === undefined) return `${volumeId}/${epoch}/${writeId}`;
  const { index, opening, dataBytes } = data;
  const said = [DATA_STAMP_VERSION, volumeId, index, epoch, opening, writeId, dataBytes].join('/');
  return `${said}/${checkOf(said)}`;
}

/** Undefined for any other text: the object was not written by this package, or was damaged. */
export function decodeStamp(text = ''): Stamp | undefined {
  const fields = text.split('/');
  if (fields.length === 3) {
    const [volumeId, epoch, writeId] = fields;
    return decodeWriter(volumeId, epoch, writeId);
  }
  const [version, volumeId, index, epoch, opening, writeId, dataBytes, check, ...rest] = fields;
  if (version !== DATA_STAMP_VERSION || rest.length > 0) return undefined;
  if (check !== checkOf(text.slice(0, text.lastIndexOf('/')))) return undefined;
  const writer = decodeWriter(volumeId, epoch, writeId);
  const data = { index: decodeNumber(index), opening, dataBytes: decodeNumber(dataBytes) };
  if (writer === undefined || !isDataStamp(data)) return undefined;
  return { ...writer, data };
}

function decodeWriter(volumeId: unknown, epoch: string | undefined, writeId: unknown): Stamp | undefined {
  const number = decodeNumber(epoch);
  return isId(volumeId) && isId(writeId) && number !== undefined ? { volumeId, epoch: number, writeId } : undefined;
}

function isDataStamp(data: { index: unknown; opening: unknown; dataBytes: unknown }): data is DataStamp {
  return data.index !== undefined && data.dataBytes !== undefined && isId(data.opening);
}

function decodeNumber(text: string | undefined): number | undefined {
  const number = /^\d+$/.test(text ?? '') ? Number(text) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

function checkOf(said: string): string {
  return crc32(said).toString(16).padStart(8, '0');
}
