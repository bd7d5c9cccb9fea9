import { expect, test } from 'vitest';
import { decodeHeader, encodeHeader, MAX_HEADER_BYTES } from './header.js';

const header = { key: 'disks/a/volume.json', version: '0123456789abcdef'.repeat(2), sizeBytes: 1234, stamp: 'a stamp' };

test('a header is read as it was written, and the body begins behind it', () => {
  const bytes = encodeHeader(header);
  expect(decodeHeader(Buffer.concat([bytes, Buffer.from('body')]))).toEqual({ ...header, bodyOffset: bytes.length });
});

test('the format is what the README says', () => {
  const bytes = encodeHeader(header);
  expect(bytes.toString('latin1', 0, 8)).toBe('blkyobj1');
  expect(bytes.readUInt32LE(8)).toBe(bytes.length - 16);
  expect(JSON.parse(bytes.toString('utf8', 16))).toEqual(header);
});

test('the longest header fits', () => {
  const most = { ...header, key: '"'.repeat(1024), stamp: '\\'.repeat(1024), sizeBytes: Number.MAX_SAFE_INTEGER };
  expect(encodeHeader(most).length).toBeLessThanOrEqual(MAX_HEADER_BYTES);
});

test('a header with any byte changed, or truncated, is not one', () => {
  const bytes = encodeHeader(header);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(decodeHeader(changed), `byte ${at}`).toBeUndefined();
    expect(decodeHeader(bytes.subarray(0, at)), `${at} bytes`).toBeUndefined();
  }
});
