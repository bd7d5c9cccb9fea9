import { isBlockError } from '@blockyard/block';
import { describe, expect, test } from 'vitest';
import { crc32 } from './crc32.js';
import { decodeHeaders, encodeHeader, FORMAT_VERSION, SLOT_BYTES, SLOTS } from './header.js';

const HEADER = { sectorSize: 4096, sizeSectors: 2 ** 40 + 3, generation: 7 };

function slots(...headers: (Uint8Array | undefined)[]): Uint8Array {
  const all = new Uint8Array(SLOTS * SLOT_BYTES);
  for (const [i, header] of headers.entries()) if (header !== undefined) all.set(header, i * SLOT_BYTES);
  return all;
}

/** The header with one bit turned over. */
function damaged(header: Uint8Array, byte: number): Uint8Array {
  const copy = header.slice();
  copy[byte] = (copy[byte] ?? 0) ^ 1;
  return copy;
}

test('a header is what was written, byte for byte as documented', () => {
  const bytes = encodeHeader(HEADER);
  expect(Buffer.from(bytes).toString('latin1', 0, 8)).toBe('BLKYOPFS');
  expect(Buffer.from(bytes).toString('hex', 8, 32)).toBe('01000000001000000300000000010000' + '0700000000000000');
  expect(decodeHeaders(slots(bytes))).toEqual(HEADER);
});

test('the newer of two headers counts, in whichever slot it is', () => {
  const [older, newer] = [{ ...HEADER, sizeSectors: 5, generation: 6 }, HEADER].map(encodeHeader);
  expect(decodeHeaders(slots(older, newer))).toEqual(HEADER);
  expect(decodeHeaders(slots(newer, older))).toEqual(HEADER);
});

test('where the newer one is torn the older one counts', () => {
  const older = { ...HEADER, sizeSectors: 5, generation: 6 };
  for (let byte = 0; byte < 36; byte++) {
    if (byte >= 8 && byte < 12) continue;
    expect(decodeHeaders(slots(encodeHeader(older), damaged(encodeHeader(HEADER), byte)))).toEqual(older);
  }
});

describe('what is no header', () => {
  test('is nothing, where nothing was ever written', () => {
    expect(decodeHeaders(slots())).toBeUndefined();
    expect(decodeHeaders(new Uint8Array(0))).toBeUndefined();
  });

  test('is damage, where something was', () => {
    expect(codeOf(() => decodeHeaders(slots(damaged(encodeHeader(HEADER), 20))))).toBe('CORRUPT');
    expect(codeOf(() => decodeHeaders(new Uint8Array(20).fill(1)))).toBe('CORRUPT');
  });

  test('is refused, where a newer version wrote it', () => {
    const newer = encodeHeader(HEADER);
    new DataView(newer.buffer).setUint32(8, FORMAT_VERSION + 1, true);
    expect(codeOf(() => decodeHeaders(slots(encodeHeader(HEADER), newer)))).toBe('UNSUPPORTED');
  });
});

test('the checksum is CRC-32 as zip has it', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return isBlockError(error) ? error.code : String(error);
  }
  return undefined;
}
