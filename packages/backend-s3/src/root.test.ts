import { expect, test } from 'vitest';
import { decodeRoot, encodeRoot, type Root } from './root.js';

const root: Root = {
  volumeId: '0123456789abcdef0123456789abcdef',
  sectorSize: 4096,
  sizeSectors: 1000,
  objectSizeBytes: 1 << 20,
  codec: 'none',
  writerEpoch: 7,
  changeId: 'fedcba9876543210fedcba9876543210',
};
const WHERE = 's3://bucket/volume/volume.json';

const changed = (fields: object) => {
  const text = JSON.parse(Buffer.from(encodeRoot(root)).toString());
  return Buffer.from(JSON.stringify({ ...text, ...fields }));
};

test('a root is read as it was written', () => {
  expect(decodeRoot(encodeRoot(root), WHERE)).toEqual(root);
});

test('this is format version 1, byte for byte', () => {
  expect(Buffer.from(encodeRoot(root)).toString()).toBe(`{
  "format": "blockyard-volume",
  "version": 1,
  "volumeId": "0123456789abcdef0123456789abcdef",
  "sectorSize": 4096,
  "sizeSectors": 1000,
  "objectSizeBytes": 1048576,
  "codec": "none",
  "writerEpoch": 7,
  "changeId": "fedcba9876543210fedcba9876543210"
}
`);
});

test.each([
  ['nothing', Buffer.alloc(0), 'not JSON'],
  ['half a root', encodeRoot(root).subarray(0, 100), 'not JSON'],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), 'not JSON'],
  ['a list', Buffer.from('[]'), 'not a JSON object'],
  ['null', Buffer.from('null'), 'not a JSON object'],
  ['another format', changed({ format: 'other' }), 'format is "other"'],
  ['no format', changed({ format: undefined }), 'format is missing'],
  ['a version that is no number', changed({ version: '1' }), 'version is "1"'],
  ['version 0', changed({ version: 0 }), 'version is 0'],
  ['no codec', changed({ codec: undefined }), 'codec is missing'],
  ['no volume id', changed({ volumeId: undefined }), 'volumeId is missing'],
  ['a volume id that is none', changed({ volumeId: '../x' }), 'volumeId is "../x"'],
  ['a sector size that is none', changed({ sectorSize: 1000 }), 'sectorSize must be a power of two'],
  ['a negative size', changed({ sizeSectors: -1 }), 'sizeSectors must be a non-negative safe integer'],
  ['a size that is too large', changed({ sizeSectors: 2 ** 50 }), 'more than 2^53 - 1 bytes'],
  ['an object size that is not whole sectors', changed({ objectSizeBytes: 5000 }), 'objectSizeBytes 5000'],
  ['an object size that is too large', changed({ objectSizeBytes: 2 ** 40 }), 'objectSizeBytes must be from'],
  ['an epoch that is no number', changed({ writerEpoch: null }), 'writerEpoch is null'],
  ['a change id that is none', changed({ changeId: 5 }), 'changeId is 5'],
  ['a field that nobody knows', changed({ owner: 'x' }), 'unknown field "owner"'],
])('a root with %s is CORRUPT, and the error says so', (_, bytes, what) => {
  let error: unknown;
  try {
    decodeRoot(bytes, WHERE);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ name: 'BlockError', code: 'CORRUPT', message: expect.stringContaining(what) });
  expect(error).toMatchObject({ message: expect.stringContaining(WHERE) });
});

test.each([
  ['a later version, whatever else it has', changed({ version: 2, layout: {} })],
  ['a codec of a later version', changed({ codec: 'aes' })],
])('a root with %s is UNSUPPORTED', (_, bytes) => {
  expect(() => decodeRoot(bytes, WHERE)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
});
