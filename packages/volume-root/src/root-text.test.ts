import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  checkRootName,
  checkRootText,
  encodeRootText,
  FORMAT_VERSION,
  ownedFieldsOf,
  parseRoot,
  type RootShape,
} from './root-text.js';

const WHERE = 'memory:/volume.json';
const SHAPE: RootShape = {
  layout: 'test',
  names: ['format', 'version', 'layout', 'volumeId', 'writerEpoch', 'opening', 'holder', 'parts', 'changeId', 'check'],
  nestedNames: ['name', 'at'],
};
const holder = {
  host: 'web-1',
  process: 4711,
  boot: null,
  started: null,
  since: '2026-01-01T00:00:00.000Z',
  renewed: '2026-01-01T00:05:00.000Z',
  renewMs: 30_000,
  leaseMs: 3000,
  settled: true,
};
const root = {
  volumeId: '0123456789abcdef0123456789abcdef',
  writerEpoch: 7,
  opening: '00112233445566778899aabbccddeeff',
  holder,
  parts: [
    { at: 1, name: 'a' },
    { at: 2, name: 'b' },
  ],
  changeId: 'fedcba9876543210fedcba9876543210',
};
const json = (fields: object) => Buffer.from(JSON.stringify(fields));
const fieldsOf = (bytes: Uint8Array): Record<string, unknown> => JSON.parse(Buffer.from(bytes).toString());
const named = (fields: object) => ({ format: 'blockyard-volume', version: FORMAT_VERSION, layout: 'test', ...fields });

function failure(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    return thrown;
  }
}

test('a root is written in the order of its names, those of lists within it too, and is read as it was', () => {
  const bytes = encodeRootText({ ...root, notOfTheShape: 1 }, SHAPE);
  expect(Object.keys(fieldsOf(bytes))).toEqual(SHAPE.names);
  expect(Buffer.from(bytes).toString()).toContain('{\n      "name": "a",\n      "at": 1\n    }');
  const text = parseRoot(bytes, WHERE);
  checkRootText(text.fields, SHAPE, WHERE);
  expect(text).toMatchObject({ version: FORMAT_VERSION, layout: 'test', fields: root });
  const { parts, ...owned } = root;
  expect(ownedFieldsOf(text, WHERE)).toEqual(owned);
});

test.each([
  ['a field', { ...root, writerEpoch: 8 }],
  ['a field of the holder', { ...root, holder: { ...holder, process: 1 } }],
  ['a field of a list within', { ...root, parts: [root.parts[0], { at: 3, name: 'b' }] }],
  ['the order of a list within', { ...root, parts: [...root.parts].reverse() }],
])('%s that changed does not fit the check', (_, changed) => {
  const { check } = fieldsOf(encodeRootText(root, SHAPE));
  const fields = fieldsOf(encodeRootText(changed, SHAPE));
  expect(failure(() => checkRootText({ ...fields, check }, SHAPE, WHERE))).toMatchObject({
    code: 'CORRUPT',
    message: `${WHERE}: the fields do not fit their check`,
  });
});

test('the check can be one that only those make who have a key', () => {
  const signed = (key: string) => (text: string) => createHmac('sha256', key).update(text).digest('hex');
  const { fields } = parseRoot(encodeRootText(root, SHAPE, signed('a')), WHERE);
  checkRootText(fields, SHAPE, WHERE, signed('a'));
  expect(failure(() => checkRootText(fields, SHAPE, WHERE, signed('b')))).toMatchObject({ code: 'CORRUPT' });
  expect(failure(() => checkRootText(fields, SHAPE, WHERE))).toMatchObject({ code: 'CORRUPT' });
});

test.each([
  ['chunks', named({ layout: 'chunks' })],
  ['log', named({ layout: 'log' })],
  ['of-tomorrow', named({ layout: 'of-tomorrow', whatever: {} })],
  ['chunks', { format: 'blockyard-volume', version: 1 }],
])('the layout %s is read off a root, whatever else it has', (layout, fields) => {
  expect(parseRoot(json(fields), WHERE).layout).toBe(layout);
});

test.each([
  ['no JSON', Buffer.from('{'), 'CORRUPT', 'not JSON'],
  ['no text', Buffer.from([0xff]), 'CORRUPT', 'not JSON'],
  ['a list', json([]), 'CORRUPT', 'not a JSON object'],
  ['another format', json(named({ format: 'x' })), 'CORRUPT', 'format is "x"'],
  ['no version', json(named({ version: undefined })), 'CORRUPT', 'version is missing'],
  ['a later version', json(named({ version: 3, layout: 5 })), 'UNSUPPORTED', 'version 3 is newer than 2'],
  ['no layout', json(named({ layout: undefined })), 'CORRUPT', 'layout is missing'],
  ['a layout that is no text', json(named({ layout: 1 })), 'CORRUPT', 'layout is 1'],
])('of %s no layout is read', (_, bytes, code, what) => {
  const message = expect.stringContaining(what);
  expect(failure(() => parseRoot(bytes, WHERE))).toMatchObject({ name: 'BlockError', code, message });
  expect(failure(() => parseRoot(bytes, WHERE))).toMatchObject({ message: expect.stringContaining(WHERE) });
});

test('a name of a later version is UNSUPPORTED, and what is no name CORRUPT', () => {
  checkRootName({ codec: 'none' }, 'codec', 'none', WHERE);
  const codeOf = (codec: unknown) => failure(() => checkRootName({ codec }, 'codec', 'none', WHERE));
  expect(codeOf('zstd')).toMatchObject({ code: 'UNSUPPORTED', message: `${WHERE}: codec "zstd" is not known` });
  expect(codeOf(undefined)).toMatchObject({ code: 'CORRUPT', message: `${WHERE}: codec is missing` });
  expect(codeOf(1)).toMatchObject({ code: 'CORRUPT' });
});

test.each([
  ['not a volume id', { volumeId: '../x' }, 'volumeId is "../x"'],
  ['not a change id', { changeId: 5 }, 'changeId is 5'],
  ['a negative epoch', { writerEpoch: -1 }, 'writerEpoch is -1'],
  ['not an opening', { opening: 'x' }, 'opening is "x"'],
  ['an epoch that no opening took', { opening: null, holder: null }, 'opening is null and writerEpoch 7'],
  ['an opening without an epoch', { writerEpoch: 0 }, 'and writerEpoch 0'],
  ['a holder that was never opened', { writerEpoch: 0, opening: null }, 'has a holder, and no opening'],
  ['a holder that is a text', { holder: 'me' }, 'holder is "me"'],
  ['a host of several lines', { holder: { ...holder, host: 'a\nb' } }, 'holder.host'],
  ['a field of the holder that no one knows', { holder: { ...holder, x: 1 } }, 'unknown field "holder.x"'],
])('a root with %s is CORRUPT', (_, changed, what) => {
  const text = { version: FORMAT_VERSION, layout: 'test', fields: { ...root, ...changed } };
  const error = failure(() => ownedFieldsOf(text, WHERE));
  expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(what) });
  expect(error).toMatchObject({ message: expect.stringContaining(WHERE) });
});

test('a root of version 1 knows neither openings nor holders', () => {
  const owned = ownedFieldsOf({ version: 1, layout: 'chunks', fields: root }, WHERE);
  expect(owned).toMatchObject({ writerEpoch: 7, opening: null, holder: null });
});

test('an optional field may be missing, and is part of the check where it is not', () => {
  const shape: RootShape = { ...SHAPE, optionalNames: ['parts'] };
  const { parts, ...rest } = root;
  for (const each of [root, rest]) checkRootText(fieldsOf(encodeRootText(each, shape)), shape, WHERE);
  const without = encodeRootText({ ...rest, parts: undefined }, shape);
  expect(fieldsOf(without)).not.toHaveProperty('parts');
  const added = { ...fieldsOf(without), parts };
  expect(failure(() => checkRootText(added, shape, WHERE))).toMatchObject({ code: 'CORRUPT' });
  expect(failure(() => checkRootText(fieldsOf(without), SHAPE, WHERE))).toMatchObject({
    code: 'CORRUPT',
    message: `${WHERE}: parts is missing`,
  });
});

test('a field that a release does not know is refused by its name', () => {
  const later: RootShape = { ...SHAPE, names: ['tier', ...SHAPE.names], optionalNames: ['tier'] };
  checkRootText(fieldsOf(encodeRootText(root, later)), SHAPE, WHERE);
  const marked = fieldsOf(encodeRootText({ ...root, tier: 'x' }, later));
  expect(failure(() => checkRootText(marked, SHAPE, WHERE))).toMatchObject({
    code: 'CORRUPT',
    message: `${WHERE}: unknown field "tier"`,
  });
});
