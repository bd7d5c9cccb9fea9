import { expect, test } from 'vitest';
import type { LogRoot, SnapshotEntry } from '../format/root.js';
import { withMark, withoutMarks, withoutSnapshot, withSnapshot } from './snapshot-entries.js';

const ONE = '1'.repeat(32);
const OTHER = '2'.repeat(32);
const entry: SnapshotEntry = {
  name: 'kept',
  checkpoint: null,
  epochs: [],
  through: 0,
  sizeSectors: 8,
  created: '2026-01-01T00:00:00.000Z',
  deletion: null,
};
const root = withSnapshot({ snapshots: [] as readonly SnapshotEntry[] } as LogRoot, entry);

test('a snapshot goes with the mark of the one who deletes it', () => {
  expect(withoutSnapshot(withMark(root, 'kept', ONE), 'kept', ONE).snapshots).toEqual([]);
});

test.each([
  ['another has marked it since', withMark(withMark(root, 'kept', ONE), 'kept', OTHER)],
  ['another has marked it, found a clone, and unmarked it', withoutMarks(withMark(root, 'kept', OTHER), OTHER)],
])('it stays where %s: a clone may have begun', (_, found) => {
  expect(() => withoutSnapshot(found, 'kept', ONE)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
});

test('a mark is taken away by the one who made it alone', () => {
  const marked = withMark(root, 'kept', ONE);
  expect(withoutMarks(marked, OTHER)).toEqual(marked);
  expect(withoutMarks(marked, ONE)).toEqual(root);
});

test('what is not there is neither marked nor taken out', () => {
  expect(() => withMark(root, 'none', ONE)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  expect(() => withoutSnapshot(root, 'none', ONE)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});
