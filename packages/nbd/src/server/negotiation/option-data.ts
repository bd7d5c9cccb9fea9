import { ByteReader } from '../../wire/bytes.js';
import { STRING_BYTES_MAX } from '../../wire/protocol.js';

/** The data of INFO and GO. */
export interface InfoQuery {
  readonly name: string;
  readonly types: readonly number[];
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export interface ContextQuery {
  readonly name: string;
  readonly queries: readonly string[];
}

/** `undefined` if the data are not what they must be. */
export function parseInfoQuery(data: Uint8Array): InfoQuery | undefined {
  const reader = new ByteReader(data);
  const name = reader.text(STRING_BYTES_MAX);
  const count = reader.u16();
  if (name === undefined || count === undefined || reader.leftBytes !== 2 * count) return undefined;
  const types: number[] = [];
  for (let i = 0; i < count; i++) types.push(reader.u16() ?? 0);
  return { name, types };
}

/** `undefined` if the data are not what they must be. */
export function parseContextQuery(data: Uint8Array): ContextQuery | undefined {
  const reader = new ByteReader(data);
  const name = reader.text(STRING_BYTES_MAX);
  const count = reader.u32();
  // Each has a length of four bytes at least: no list is longer than its data.
  if (name === undefined || count === undefined || 4 * count > reader.leftBytes) return undefined;
  const queries: string[] = [];
  for (let i = 0; i < count; i++) {
    const query = reader.text(STRING_BYTES_MAX);
    if (query === undefined) return undefined;
    queries.push(query);
  }
  return reader.leftBytes === 0 ? { name, queries } : undefined;
}
