import { beforeEach, describe, expect, test } from 'vitest';
import { VolumeModel } from './volume-model.js';

let model: VolumeModel;
beforeEach(() => {
  model = new VolumeModel(8);
});

/** Writes one sector; gives its version. */
function write(sector: number, outcome: 'accepted' | 'failed' = 'accepted'): number {
  const writing = model.beginWrite({ start: sector, count: 1 });
  if (writing === undefined) throw new Error('another write is under way');
  model.endWrite(writing, outcome);
  return writing.version;
}

const flush = () => model.endFlush(model.beginFlush());

/** Versions of a sector that a read may see that begins and ends now. */
function readable(sector: number, upTo = 10): number[] {
  const reading = model.beginRead({ start: sector, count: 1 });
  return Array.from({ length: upTo + 1 }, (_, version) => version).filter((each) => model.mayRead(reading, 0, each));
}

describe('A read', () => {
  test('sees zeroes before any write, and then the last write alone', () => {
    expect(readable(0)).toEqual([0]);
    write(0);
    const last = write(0);
    expect(readable(0)).toEqual([last]);
    expect(readable(1)).toEqual([0]);
  });

  test('that a write overtakes sees the old or the new', () => {
    const old = write(2);
    const reading = model.beginRead({ start: 2, count: 1 });
    const writing = model.beginWrite({ start: 2, count: 1 });
    if (writing === undefined) throw new Error('nothing else is under way');
    model.endWrite(writing, 'accepted');
    expect(model.mayRead(reading, 0, old)).toBe(true);
    expect(model.mayRead(reading, 0, writing.version)).toBe(true);
    expect(model.mayRead(reading, 0, old - 1)).toBe(false);
    expect(readable(2)).toEqual([writing.version]);
  });

  test('after a write that failed sees the old or the new, until the next one', () => {
    const old = write(3);
    const failed = write(3, 'failed');
    expect(readable(3)).toEqual([old, failed]);
    expect(readable(3)).not.toContain(old - 1);
    const next = write(3);
    expect(readable(3)).toEqual([next]);
  });
});

test('A write that overlaps another is not begun', () => {
  const first = model.beginWrite({ start: 2, count: 3 });
  expect(model.beginWrite({ start: 4, count: 1 })).toBeUndefined();
  expect(model.beginWrite({ start: 1, count: 2 })).toBeUndefined();
  expect(model.beginWrite({ start: 5, count: 1 })).toBeDefined();
  if (first === undefined) throw new Error('it was the first');
  model.endWrite(first, 'accepted');
  expect(model.beginWrite({ start: 4, count: 1 })).toBeDefined();
});

describe('After a crash', () => {
  test('what was flushed is there', () => {
    const version = write(0);
    flush();
    expect(model.unflushedSectors).toBe(0);
    expect(model.adopt(0, version)).toBe('flushed');
  });

  test('what was flushed and is older than that is lost', () => {
    const old = write(0);
    write(0);
    flush();
    expect(model.adopt(0, old)).toBe('lost');
  });

  test('what was not flushed may be there or not, and counts as what was found from then on', () => {
    write(0);
    flush();
    const older = write(0);
    const newer = write(0);
    expect(model.unflushedSectors).toBe(1);
    expect(model.adopt(0, older)).toBe('forgotten');
    expect(readable(0)).toEqual([older]);
    expect(model.adopt(0, newer)).toBe('invented');
  });

  test('a write that was under way may be there, and one that was never begun may not', () => {
    write(0);
    flush();
    const underWay = write(0, 'failed');
    expect(model.adopt(0, underWay)).toBe('kept');
    expect(model.adopt(0, underWay + 1)).toBe('invented');
  });

  test('what is found and flushed then is durable in turn', () => {
    write(0);
    flush();
    const found = write(0);
    expect(model.adopt(0, found)).toBe('kept');
    expect(model.unflushedSectors).toBe(1);
    flush();
    expect(model.unflushedSectors).toBe(0);
    expect(model.adopt(0, found - 1)).toBe('lost');
  });
});

test('A flush covers what was accepted before it, and nothing else', () => {
  const before = write(0);
  const flushing = model.beginFlush();
  const after = write(0);
  write(1);
  model.endFlush(flushing);
  expect(model.unflushedSectors).toBe(2);
  expect(model.adopt(1, 0)).toBe('forgotten');
  expect(model.adopt(0, before)).toBe('forgotten');
  expect(after).toBeGreaterThan(before);
});

test('A checkpoint brings back every sector, durably', () => {
  const first = write(0);
  flush();
  const kept = model.checkpoint();
  write(0);
  write(5);
  model.restore(kept);
  expect([readable(0), readable(5)]).toEqual([[first], [0]]);
  expect(model.unflushedSectors).toBe(0);
  expect(model.adopt(0, first)).toBe('flushed');
  // Versions go on from where they were, so that nothing of what is gone looks like what comes.
  expect(write(5)).toBe(4);
});

test('A checkpoint is refused while something is not flushed', () => {
  write(0);
  expect(() => model.checkpoint()).toThrow('unflushed');
});
