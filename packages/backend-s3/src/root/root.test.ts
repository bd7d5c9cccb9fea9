import { expect, test } from 'vitest';
import { decodeRoot, encodeRoot, type Root } from './root.js';

const holder = {
  host: 'web-1',
  process: 4711,
  boot: '5f3c1c2e-0000-4000-8000-000000000000/4026531836',
  started: '123456',
  since: '2026-01-01T00:00:00.000Z',
  renewed: '2026-01-01T00:05:00.000Z',
  renewMs: 30_000,
  leaseMs: 3000,
  settled: true,
};
const root: Root = {
  volumeId: '0123456789abcdef0123456789abcdef',
  sectorSize: 4096,
  sizeSectors: 1000,
  objectSizeBytes: 1 << 20,
  partSizeBytes: 4096,
  codec: 'none',
  writerEpoch: 7,
  opening: '00112233445566778899aabbccddeeff',
  holder,
  objectCount: null,
  changeId: 'fedcba9876543210fedcba9876543210',
};
const closed: Root = { ...root, holder: null, objectCount: 12 };
const given: Root = { ...closed, isDeleted: true };
const WHERE = 's3://bucket/volume/volume.json';

const VERSION_1 = `{
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
`;

/** A root that someone else wrote: its fields fit their check, whatever they say. */
const written = (fields: object) => encodeRoot({ ...root, ...fields } as Root);

/** A root that changed after it was written. */
const changed = (fields: object) => {
  const text = JSON.parse(Buffer.from(encodeRoot(root)).toString());
  return Buffer.from(JSON.stringify({ ...text, ...fields }));
};

const changed1 = (fields: object) => Buffer.from(JSON.stringify({ ...JSON.parse(VERSION_1), ...fields }));

function failure(bytes: Uint8Array): unknown {
  try {
    return decodeRoot(bytes, WHERE);
  } catch (thrown) {
    return thrown;
  }
}

test.each([
  ['that a writer holds', root],
  ['after a clean end', closed],
  ['that was never opened', { ...closed, writerEpoch: 0, opening: null }],
  ['of a volume that was given up', given],
  ['whose holder does not know the boot', { ...root, holder: { ...holder, boot: null, started: null } }],
])('a root %s is read as it was written', (_, wanted) => {
  expect(decodeRoot(encodeRoot(wanted), WHERE)).toEqual(wanted);
});

test('this is format version 2, byte for byte', () => {
  expect(Buffer.from(encodeRoot(root)).toString()).toBe(`{
  "format": "blockyard-volume",
  "version": 2,
  "layout": "chunks",
  "volumeId": "0123456789abcdef0123456789abcdef",
  "sectorSize": 4096,
  "sizeSectors": 1000,
  "objectSizeBytes": 1048576,
  "partSizeBytes": 4096,
  "codec": "none",
  "writerEpoch": 7,
  "opening": "00112233445566778899aabbccddeeff",
  "holder": {
    "host": "web-1",
    "process": 4711,
    "boot": "5f3c1c2e-0000-4000-8000-000000000000/4026531836",
    "started": "123456",
    "since": "2026-01-01T00:00:00.000Z",
    "renewed": "2026-01-01T00:05:00.000Z",
    "renewMs": 30000,
    "leaseMs": 3000,
    "settled": true
  },
  "objectCount": null,
  "changeId": "fedcba9876543210fedcba9876543210",
  "check": "6541d3a7a903b783fb6c323ff540aeceb5d618cf1a72aab3f948f1244c330fef"
}
`);
});

test('the order of the fields and white space are no part of the check', () => {
  const fields = Object.entries(JSON.parse(Buffer.from(encodeRoot(root)).toString())).reverse();
  expect(decodeRoot(Buffer.from(JSON.stringify(Object.fromEntries(fields))), WHERE)).toEqual(root);
});

test('a root of version 1 is read, as one that was not opened under version 2 yet', () => {
  expect(decodeRoot(Buffer.from(VERSION_1), WHERE)).toEqual({ ...root, opening: null, holder: null });
  expect(decodeRoot(changed1({ sectorSize: 16_384 }), WHERE)).toMatchObject({ partSizeBytes: 16_384 });
});

test('no byte of a root can change without being noticed', () => {
  const bytes = encodeRoot(root);
  for (let index = 0; index < bytes.length; index++) {
    const flipped = Uint8Array.from(bytes);
    flipped[index] = (flipped[index] ?? 0) ^ 1;
    const found = failure(flipped);
    // White space may become other white space, and a version one of the future.
    if (found instanceof Error) expect(['CORRUPT', 'UNSUPPORTED']).toContain((found as { code?: unknown }).code);
    else expect(found).toEqual(root);
  }
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
  ['no layout', changed({ layout: undefined }), 'layout is missing'],
  ['a layout that is no text', changed({ layout: 1 }), 'layout is 1'],
  ['no codec', changed({ codec: undefined }), 'codec is missing'],
  ['no opening', changed({ opening: undefined }), 'opening is missing'],
  ['no check', changed({ check: undefined }), 'check is missing'],
  ['a field that no one knows', changed({ owner: 'x' }), 'unknown field "owner"'],
  ['another epoch than it was written with', changed({ writerEpoch: 8 }), 'do not fit their check'],
  ['another size than it was written with', changed({ sizeSectors: 999 }), 'do not fit their check'],
  ['another holder than it was written with', changed({ holder: { ...holder, process: 1 } }), 'do not fit their check'],
  ['no holder where there was one', changed({ holder: null }), 'do not fit their check'],
  ['a field of the holder that no one knows', changed({ holder: { ...holder, x: 1 } }), 'unknown field "holder.x"'],
  ['not a volume id', written({ volumeId: '../x' }), 'volumeId is "../x"'],
  ['not a sector size', written({ sectorSize: 1000 }), 'sectorSize must be a power of two'],
  ['a negative size', written({ sizeSectors: -1 }), 'sizeSectors must be a non-negative safe integer'],
  ['a size that is too large', written({ sizeSectors: 2 ** 50 }), 'more than 2^53 - 1 bytes'],
  ['an object size that is not whole sectors', written({ objectSizeBytes: 5000 }), 'objectSizeBytes 5000'],
  [
    'an object size that is too large',
    written({ objectSizeBytes: 2 ** 40 }),
    'objectSizeBytes must be an integer from',
  ],
  ['a part that is not whole sectors', written({ partSizeBytes: 5000 }), 'partSizeBytes is 5000'],
  ['parts of nothing', written({ partSizeBytes: 0 }), 'partSizeBytes is 0'],
  ['parts that are too large', written({ partSizeBytes: 2 ** 40 }), 'partSizeBytes is'],
  ['an epoch that is no number', written({ writerEpoch: null }), 'writerEpoch is null'],
  ['an epoch that no opening took', written({ opening: null, holder: null }), 'opening is null and writerEpoch 7'],
  ['an opening without an epoch', written({ writerEpoch: 0 }), 'and writerEpoch 0'],
  ['not an opening', written({ opening: 'x' }), 'opening is "x"'],
  ['a negative number of objects', written({ holder: null, objectCount: -1 }), 'objectCount is -1'],
  ['a holder and a number of objects', written({ objectCount: 5 }), 'has a holder'],
  ['a holder that is a text', written({ holder: 'me' }), 'holder is "me"'],
  ['a holder without a host', written({ holder: { ...holder, host: '' } }), 'holder.host is ""'],
  ['a host of several lines', written({ holder: { ...holder, host: 'a\nb' } }), 'holder.host is "a\\nb"'],
  ['not a process', written({ holder: { ...holder, process: 0 } }), 'holder.process is 0'],
  ['a boot that is a number', written({ holder: { ...holder, boot: 5 } }), 'holder.boot is 5'],
  ['a start that is a number', written({ holder: { ...holder, started: 5 } }), 'holder.started is 5'],
  ['not a time', written({ holder: { ...holder, since: '2026' } }), 'holder.since is "2026"'],
  ['not a renewal', written({ holder: { ...holder, renewed: null } }), 'holder.renewed is null'],
  ['a renewal that never comes', written({ holder: { ...holder, renewMs: 0 } }), 'holder.renewMs is 0'],
  ['a lease of hours', written({ holder: { ...holder, leaseMs: 3_600_000 } }), 'holder.leaseMs is 3600000'],
  ['a holder that is settled perhaps', written({ holder: { ...holder, settled: 1 } }), 'holder.settled is 1'],
  ['a mark of deletion that is no yes', written({ isDeleted: false }), 'isDeleted is false'],
  ['a mark of deletion that came later', changed({ isDeleted: true }), 'do not fit their check'],
  ['not a change id', written({ changeId: 5 }), 'changeId is 5'],
  ['version 1 and no volume id', changed1({ volumeId: undefined }), 'volumeId is missing'],
  ['version 1 and not a size', changed1({ sizeSectors: 2 ** 50 }), 'more than 2^53 - 1 bytes'],
  ['version 1 and not an epoch', changed1({ writerEpoch: -1 }), 'writerEpoch is -1'],
  ['version 1 and a field of version 2', changed1({ opening: root.opening }), 'unknown field "opening"'],
])('a root with %s is CORRUPT, and the error says so', (_, bytes, what) => {
  const error = failure(bytes);
  expect(error).toMatchObject({ name: 'BlockError', code: 'CORRUPT', message: expect.stringContaining(what) });
  expect(error).toMatchObject({ message: expect.stringContaining(WHERE) });
});

test.each([
  ['a later version, whatever else it has', changed({ version: 3, layout: {} }), 'version 3'],
  ['a codec of a later version', written({ codec: 'aes' }), 'codec "aes" is not known'],
  ['a codec with fields of its own', changed({ codec: 'aes', key: 'x', partSizeBytes: undefined }), 'codec "aes"'],
  ['another layout', changed({ layout: 'log' }), 'layout "log" is not known'],
  [
    'another layout and its fields',
    changed({ layout: 'log', log: { head: 1 }, objectCount: undefined }),
    'layout "log"',
  ],
  ['another layout and no codec', changed({ layout: 'log', codec: undefined }), 'layout "log"'],
  ['another layout and another codec', changed({ layout: 'log', codec: 'aes' }), 'layout "log"'],
  ['version 1 and a codec of a later one', changed1({ codec: 'aes', key: 'x' }), 'codec "aes"'],
])('a root with %s is UNSUPPORTED, and the error names it', (_, bytes, what) => {
  expect(failure(bytes)).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining(what) });
});
