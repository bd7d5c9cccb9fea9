import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkSnapshotName,
  classOfLogKey,
  dataKey,
  dataPrefix,
  EPOCH_MAX,
  mapKey,
  mapPrefix,
  NUMBER_MAX,
  objectIdOf,
  parseDataKey,
  parseMapKey,
  pinPrefix,
  probePrefix,
  rootKey,
} from './keys.js';

const prefix = fc.constantFrom('disk', 'a/b', 'log', 'disk/log');
const epoch = fc.integer({ min: 0, max: EPOCH_MAX });
const number = fc.integer({ min: 1, max: NUMBER_MAX });

test('a key tells what it names, under its own prefix alone', () => {
  fc.assert(
    fc.property(prefix, fc.constantFrom('log' as const, 'pack' as const), number, epoch, (of, kind, count, era) => {
      const name = { object: objectIdOf(kind, count), epoch: era };
      const key = dataKey(of, name);
      expect(parseDataKey(of, key)).toEqual(name);
      expect(parseDataKey('other', key)).toBeUndefined();
      expect(parseMapKey(of, key)).toBeUndefined();
      expect(classOfLogKey(key)).toBe(kind);
    }),
  );
  fc.assert(
    fc.property(prefix, number, epoch, fc.integer({ min: 0, max: 0xffff }), (of, generation, era, part) => {
      const key = mapKey(of, { generation, epoch: era, part });
      expect(parseMapKey(of, key)).toEqual({ generation, epoch: era, part });
      expect(parseDataKey(of, key)).toBeUndefined();
      expect(classOfLogKey(key)).toBe('map');
    }),
  );
});

test.each([
  [rootKey('a'), 'root'],
  [`${pinPrefix('a', 'snap')}0123`, 'pin'],
  [`${probePrefix('a')}0123`, 'probe'],
  [dataPrefix('a', 'log'), 'log'],
  [dataPrefix('a', 'pack'), 'pack'],
  [mapPrefix('a'), 'map'],
  ['a/log/1-1', 'other'],
])('%s is of class %s', (key, name) => expect(classOfLogKey(key)).toBe(name));

test.each(['', '.a', '-a', 'a/b', 'a b', 'a@b', 'a'.repeat(65), 7])('%j names no snapshot', (name) => {
  expect(() => checkSnapshotName(name)).toThrow('a snapshot');
});
