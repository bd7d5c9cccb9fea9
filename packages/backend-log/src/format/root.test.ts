import type { TierAttachment } from '@blockyard/block';
import { describe, expect, test } from 'vitest';
import { rootFormatOf } from './root.js';

const WHERE = 'memory:/disk/volume.json';
const { encode, decode, merge } = rootFormatOf();

/** A root as releases wrote it that knew of no tiers. */
const OLD = `{
  "format": "blockyard-volume",
  "version": 2,
  "layout": "log",
  "volumeId": "01515062c18def92a362425d0ac7998b",
  "sectorSize": 512,
  "sizeSectors": 100,
  "segmentSizeBytes": 58064,
  "codec": "none",
  "encryption": null,
  "writerEpoch": 1,
  "opening": "2a12891d1752fe78ae3177ff760653e5",
  "holder": null,
  "checkpoint": {
    "opening": "2a12891d1752fe78ae3177ff760653e5",
    "base": 0,
    "generation": 1,
    "epoch": 1,
    "part": 1,
    "offset": 0,
    "lengthBytes": 64,
    "through": 1,
    "throughMs": 1795791353345
  },
  "epochs": [
    {
      "opening": "2a12891d1752fe78ae3177ff760653e5",
      "base": 0,
      "epoch": 1,
      "from": 1,
      "end": 2
    }
  ],
  "bases": [],
  "snapshots": [
    {
      "sizeSectors": 100,
      "checkpoint": {
        "opening": "2a12891d1752fe78ae3177ff760653e5",
        "base": 0,
        "generation": 1,
        "epoch": 1,
        "part": 1,
        "offset": 0,
        "lengthBytes": 64,
        "through": 1,
        "throughMs": 1795791353345
      },
      "epochs": [],
      "through": 1,
      "name": "one",
      "created": "2026-11-27T14:55:53.343Z",
      "deletion": null
    }
  ],
  "changeId": "b55dc63c21e3ca4ad4ea065d795809ba",
  "check": "4b6c4c0785e5c2af485d42126c037a3e754508c9c9fb67a2898ff1ac760a3425"
}
`;

const tier: TierAttachment = {
  tierId: '00112233445566778899aabbccddeeff',
  attachmentId: 'ffeeddccbbaa99887766554433221100',
  place: 'web-1:/srv/tier',
  since: '2026-11-27T15:00:00.000Z',
};
const old = decode(Buffer.from(OLD), WHERE);
const textOf = (root: Parameters<typeof encode>[0]) => Buffer.from(encode(root)).toString();

/** The text of a root with other fields, and the check that fits them. */
function withTier(value: unknown): Uint8Array {
  return encode({ ...old, tier: value as TierAttachment });
}

test('A root of a release without tiers reads as one that has none, and is written as it was', () => {
  expect(old).toMatchObject({ tier: null, writerEpoch: 1, snapshots: [{ name: 'one' }] });
  expect(textOf(old)).toBe(OLD);
});

test('A root with a tier is read as it was written, and its check is over the tier too', () => {
  const text = textOf({ ...old, tier });
  expect(decode(Buffer.from(text), WHERE)).toEqual({ ...old, tier });
  expect(Object.keys(JSON.parse(text))).toContain('tier');
  const other = text.replace(tier.place, 'web-2:/srv/tier');
  expect(() => decode(Buffer.from(other), WHERE)).toThrow('the fields do not fit their check');
});

describe('CORRUPT is a root whose tier', () => {
  test.each([
    ['is a text', 'x'],
    ['has no place', { ...tier, place: undefined }],
    ['has an empty id', { ...tier, tierId: '' }],
    ['has a long id', { ...tier, attachmentId: 'x'.repeat(1025) }],
    ['is of no time', { ...tier, since: 'yesterday' }],
  ])('%s', (_, value) => {
    expect(() => decode(withTier(value), WHERE)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });
});

test('The tier of a root is the writer’s own, whatever is found there', () => {
  expect(merge?.({ ...old, tier }, old).tier).toEqual(tier);
  expect(merge?.(old, { ...old, tier }).tier).toBe(null);
});

test('A root says of itself that it is being deleted, or has no such field; anything else is CORRUPT', () => {
  const text = textOf({ ...old, isDeleted: true });
  expect(decode(Buffer.from(text), WHERE)).toEqual({ ...old, isDeleted: true });
  expect(Object.hasOwn(old, 'isDeleted')).toBe(false);
  const other = { ...old, isDeleted: false as unknown as true };
  expect(() => decode(encode(other), WHERE)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
});
