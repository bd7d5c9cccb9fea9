import { describe, expect, test } from 'vitest';
import { ReadAhead } from './read-ahead.js';

const LINE = 128;

/** Reads `reads` times `count` sectors in sequence. Returns the lines asked for, in order. */
function readOn(ahead: ReadAhead, start: number, count: number, reads: number): number[] {
  const lines: number[] = [];
  for (let i = 0; i < reads; i++) {
    const asked = ahead.observe(start + i * count, count);
    for (let line = ahead.first; line < ahead.first + asked; line++) lines.push(line);
  }
  return lines;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('a sequential reader', () => {
  test('is read ahead of from its second read on, without a gap and without asking twice', () => {
    const lines = readOn(new ReadAhead(LINE, 32), 0, LINE, 200);
    expect(lines).toEqual(range(2, 2 + lines.length));
    expect(lines.length).toBeGreaterThanOrEqual(198 + 16);
  });

  test('gets a window of twice what it has read, up to the limit', () => {
    const ahead = new ReadAhead(LINE, 32);
    const windows = range(0, 200).map((line) => {
      const asked = ahead.observe(line * LINE, LINE);
      return asked === 0 ? 0 : ahead.first + asked - (line + 1);
    });
    expect(windows.filter((window) => window > 0).slice(0, 4)).toEqual([4, 6, 10, 16]);
    expect(Math.max(...windows)).toBe(32);
  });

  test('always has half a window before it once it has the whole of it', () => {
    const ahead = new ReadAhead(LINE, 32);
    let aheadTo = 0;
    for (let line = 0; line < 500; line++) {
      const asked = ahead.observe(line * LINE, LINE);
      if (asked > 0) aheadTo = ahead.first + asked;
      if (line > 40) expect(aheadTo - (line + 1)).toBeGreaterThanOrEqual(16);
    }
  });

  test('of small requests is read ahead of only as far as it has shown itself', () => {
    const ahead = new ReadAhead(LINE, 32);
    expect(readOn(ahead, 0, 8, 5)).toEqual([]);
    expect(readOn(ahead, 40, 8, 10)).toEqual([1]);
  });

  test('is followed when hits within a line are left out', () => {
    const ahead = new ReadAhead(LINE, 32);
    const lines: number[] = [];
    for (let sector = 0; sector < 50 * LINE; sector += 8) {
      const touchesEnd = sector % LINE === 0 || (sector + 8) % LINE === 0;
      const asked = touchesEnd ? ahead.observe(sector, 8) : 0;
      lines.push(...range(ahead.first, ahead.first + asked));
    }
    const [first = -1] = lines;
    expect(lines).toEqual(range(first, first + lines.length));
    expect(first).toBeLessThanOrEqual(3);
    expect(lines.length).toBeGreaterThan(50);
  });

  test('whose many requests arrive out of order stays one stream', () => {
    const ahead = new ReadAhead(LINE, 64);
    const lines: number[] = [];
    for (let i = 0; i < 1024; i++) {
      const shuffled = (i & ~7) | ([2, 0, 1, 4, 3, 7, 5, 6][i & 7] ?? 0);
      const asked = ahead.observe(shuffled * 2 * LINE, 2 * LINE);
      lines.push(...range(ahead.first, ahead.first + asked));
    }
    const [first = -1] = lines;
    expect(lines).toEqual(range(first, first + lines.length));
    expect(first).toBeLessThan(10);
    expect(lines.length).toBeGreaterThan(2000);
  });

  test('that jumps forward within what was read ahead stays a stream, and is not read ahead of what it skipped', () => {
    const ahead = new ReadAhead(LINE, 32);
    const before = readOn(ahead, 0, LINE, 60);
    const to = before.at(-1) ?? -1;
    const asked = ahead.observe((to - 2) * LINE, LINE);
    expect(asked).toBeGreaterThan(0);
    expect(ahead.first).toBe(to + 1);
  });

  test('that skips something is read ahead of no further than it has read', () => {
    const windowAfter = (skipped: number) => {
      const ahead = new ReadAhead(LINE, 64);
      readOn(ahead, 0, LINE, 2);
      const asked = ahead.observe(2 * LINE + skipped, LINE);
      return ahead.first + asked - (3 * LINE + skipped) / LINE;
    };
    // Of a line that is passed, hits may have been left out.
    expect([windowAfter(0), windowAfter(LINE), windowAfter(2 * LINE)]).toEqual([6, 8, 6]);
  });

  test('that skips parts of lines is read ahead of no further than it has read', () => {
    const ahead = new ReadAhead(LINE, 64);
    readOn(ahead, 0, 8, 3);
    for (let read = 4; read < 200; read++) {
      const start = (read - 3) * (LINE / 2);
      const asked = ahead.observe(start, 8);
      if (asked > 0) expect(ahead.first + asked).toBeLessThanOrEqual(Math.ceil((start + 8 + 2 * 8 * read) / LINE));
    }
  });

  test('beyond 32 bits is followed', () => {
    const ahead = new ReadAhead(LINE, 16);
    const far = 2 ** 43;
    expect(ahead.observe(far, LINE)).toBe(0);
    expect(ahead.observe(far + LINE, LINE)).toBe(4);
    expect(ahead.first).toBe(far / LINE + 2);
  });
});

describe('other readers', () => {
  test('random reads are never read ahead of', () => {
    const ahead = new ReadAhead(LINE, 32);
    for (let i = 0; i < 10_000; i++) expect(ahead.observe(((i * 7919) % 1009) * 1000 * LINE + 17, 8)).toBe(0);
  });

  test('the same block read again and again is no stream', () => {
    const ahead = new ReadAhead(LINE, 32);
    let asked = 0;
    for (let i = 0; i < 1000; i++) asked += ahead.observe(5 * LINE, 8);
    expect(asked).toBe(0);
  });

  test('a line read again, or a part of what was read, is no stream, and what comes after it still is one', () => {
    const ahead = new ReadAhead(LINE, 32);
    expect([ahead.observe(8 * LINE, 4 * LINE), ahead.observe(8 * LINE, 4 * LINE)]).toEqual([0, 0]);
    expect([ahead.observe(8 * LINE, LINE), ahead.observe(11 * LINE, LINE), ahead.observe(9 * LINE, 2 * LINE)]).toEqual([
      0, 0, 0,
    ]);
    expect(ahead.observe(12 * LINE, LINE)).toBeGreaterThan(0);
    expect(ahead.first).toBe(13);
  });

  test('a read that begins earlier than one that it overlaps is a stream of both', () => {
    const ahead = new ReadAhead(LINE, 32);
    ahead.observe(8 * LINE, 2 * LINE);
    expect(ahead.observe(7 * LINE, 2 * LINE)).toBeGreaterThan(0);
    // Twice what both have read, lines 7 to 9.
    expect(readOn(ahead, 10 * LINE, LINE, 1)).toEqual([]);
    expect(ahead.first).toBe(10);
  });

  test('thirty-two streams at once are each read ahead of, and nothing is asked for twice', () => {
    const ahead = new ReadAhead(LINE, 16);
    const asked = new Set<number>();
    for (let step = 0; step < 100; step++) {
      for (let stream = 0; stream < 32; stream++) {
        const lines = ahead.observe((stream * 1_000_000 + step) * LINE, LINE);
        for (let i = 0; i < lines; i++) {
          expect(asked.has(ahead.first + i)).toBe(false);
          asked.add(ahead.first + i);
        }
      }
    }
    for (let stream = 0; stream < 32; stream++) {
      for (let line = 2; line < 100; line++) expect(asked.has(stream * 1_000_000 + line)).toBe(true);
    }
  });

  test.each([
    [512, 600],
    [2048, 30],
  ])('of 8192 reads at random in %i lines less than %i lines are read ahead', (lines, most) => {
    for (const seed of [1, 2, 3, 4]) {
      const ahead = new ReadAhead(LINE, 240);
      let random = seed;
      let asked = 0;
      for (let i = 0; i < 8192; i++) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        asked += ahead.observe(8 * Math.floor((random / 2 ** 32) * (LINE / 8) * lines), 8);
      }
      expect(asked).toBeLessThan(most);
    }
  });

  test('a stream survives a thousand random reads between any two of its own', () => {
    const ahead = new ReadAhead(LINE, 16);
    readOn(ahead, 0, LINE, 10);
    let random = 1_000_000;
    let asked = 0;
    for (let line = 10; line < 40; line++) {
      for (let i = 0; i < 1000; i++) {
        random += 777;
        asked += ahead.observe(random * LINE, 8);
      }
      expect(asked).toBe(0);
      asked = 0;
      ahead.observe(line * LINE, LINE);
    }
    expect(readOn(ahead, 40 * LINE, LINE, 16).length).toBeGreaterThan(8);
  });

  test('the stream that was not seen for longest is dropped for a new one', () => {
    const ahead = new ReadAhead(LINE, 16);
    for (let stream = 0; stream < 33; stream++) readOn(ahead, stream * 1e6 * LINE, LINE, 4);
    expect(ahead.observe(4 * LINE, LINE)).toBe(0);
    expect(readOn(ahead, (32e6 + 4) * LINE, LINE, 16).length).toBeGreaterThan(0);
  });
});

describe('what is learnt', () => {
  test('lines that leave unused shorten the reach for all, used ones lengthen it again', () => {
    const ahead = new ReadAhead(LINE, 64);
    for (let i = 0; i < 200; i++) ahead.unused(-1);
    expect(readOn(ahead, 0, LINE, 4)).toEqual([2, 3, 4, 5]);
    for (let i = 0; i < 300; i++) ahead.used();
    expect(readOn(ahead, 1e6 * LINE, LINE, 4)).toEqual(range(1e6 + 2, 1e6 + 20));
  });

  test('a long stream keeps its whole window, however many others end early', () => {
    const ahead = new ReadAhead(LINE, 64);
    for (let i = 0; i < 200; i++) ahead.unused(-1);
    const lines = readOn(ahead, 0, LINE, 1000);
    expect(lines[lines.length - 1]).toBeGreaterThanOrEqual(1000 + 31);
  });

  test('a line that leaves before its reader comes makes the window of that stream smaller, and of no other', () => {
    const ahead = new ReadAhead(LINE, 64);
    const other = 1_000_000;
    readOn(ahead, other * LINE, LINE, 200);
    const lines = readOn(ahead, 0, LINE, 200);
    for (let i = 0; i < 10; i++) ahead.unused(lines.at(-1) ?? -1);
    const largest = (from: number) => {
      let windowMax = 0;
      for (let line = from; line < from + 60; line++) {
        const asked = ahead.observe(line * LINE, LINE);
        if (asked > 0) windowMax = Math.max(windowMax, ahead.first + asked - (line + 1));
      }
      return windowMax;
    };
    expect(largest(200)).toBeLessThan(16);
    expect(largest(other + 200)).toBe(64);
  });

  test('the limit can be lowered and raised at work', () => {
    const ahead = new ReadAhead(LINE, 64);
    readOn(ahead, 0, LINE, 100);
    ahead.setWindowMax(4);
    const lines = readOn(ahead, 100 * LINE, LINE, 100);
    expect(lines[lines.length - 1]).toBeLessThanOrEqual(203);
    ahead.setWindowMax(64);
    const grown = readOn(ahead, 200 * LINE, LINE, 1000);
    expect(grown[grown.length - 1]).toBeGreaterThan(1200 + 16);
  });
});

describe('another limit', () => {
  /** The furthest that a reader is read ahead of, over so many lines. */
  function windowOver(ahead: ReadAhead, from: number, lines: number): number {
    let windowMax = 0;
    for (let line = from; line < from + lines; line++) {
      const asked = ahead.observe(line * LINE, LINE);
      if (asked > 0) windowMax = Math.max(windowMax, ahead.first + asked - (line + 1));
    }
    return windowMax;
  }

  test('is at once that of a stream which has lost none of its lines', () => {
    const ahead = new ReadAhead(LINE, 4);
    expect(windowOver(ahead, 0, 100)).toBe(4);
    ahead.setWindowMax(64);
    expect(windowOver(ahead, 100, 4)).toBe(64);
  });

  test('is reached line by line by a stream which has lost some', () => {
    const ahead = new ReadAhead(LINE, 16);
    const before = readOn(ahead, 0, LINE, 100);
    for (let i = 0; i < 4; i++) ahead.unused(before.at(-1) ?? -1);
    const at = windowOver(ahead, 100, 30);
    expect(at).toBeLessThan(16);
    ahead.setWindowMax(64);
    const after = windowOver(ahead, 130, 30);
    expect(after).toBeGreaterThan(at);
    expect(after).toBeLessThan(32);
  });

  test('that is lower holds for every stream, whether it has lost lines or not', () => {
    const ahead = new ReadAhead(LINE, 64);
    readOn(ahead, 1e6 * LINE, LINE, 100);
    const before = readOn(ahead, 0, LINE, 100);
    ahead.unused(before.at(-1) ?? -1);
    ahead.setWindowMax(4);
    expect(windowOver(ahead, 160, 100)).toBe(4);
    expect(windowOver(ahead, 1e6 + 165, 100)).toBe(4);
  });

  test('that is no limit leaves one that is lower as it is', () => {
    const ahead = new ReadAhead(LINE, 64);
    const before = readOn(ahead, 0, LINE, 100);
    for (let i = 0; i < 12; i++) ahead.unused(before.at(-1) ?? -1);
    ahead.setWindowMax(32);
    expect(windowOver(ahead, 100, 10)).toBeLessThan(16);
  });
});

test('a second read that comes up to four reads too early makes a stream, one more does not', () => {
  const count = 4 * LINE;
  for (const [reads, isStream] of [
    [4, true],
    [5, false],
  ] as const) {
    const ahead = new ReadAhead(LINE, 64);
    const end = 1000 * LINE;
    ahead.observe(end - count, count);
    expect(ahead.observe(end - reads * count, count) > 0).toBe(isStream);
  }
});

describe('the places from which a stream goes on', () => {
  const WINDOW = 64;
  /** A stream that has read up to `next` and is read ahead of up to line `aheadTo`. */
  function stream() {
    const ahead = new ReadAhead(LINE, WINDOW);
    const lines = readOn(ahead, 0, LINE, 10);
    return { ahead, next: 10 * LINE, aheadTo: (lines.at(-1) ?? 0) + 1 };
  }
  test('end with what was read ahead', () => {
    for (const [offset, isStream] of [
      [0, true],
      [1, false],
    ] as const) {
      const { ahead, aheadTo } = stream();
      const asked = ahead.observe(aheadTo * LINE + offset, LINE);
      expect(asked > 0).toBe(isStream);
    }
  });

  test('end for a long read as much later as it is longer than a line', () => {
    for (const [offset, isStream] of [
      [0, true],
      [1, false],
    ] as const) {
      const { ahead, aheadTo } = stream();
      expect(ahead.observe((aheadTo + 3) * LINE + offset, 4 * LINE) > 0).toBe(isStream);
    }
  });

  test('begin a read too late or too early', () => {
    const started = (second: number) => {
      const ahead = new ReadAhead(LINE, WINDOW);
      ahead.observe(1000 * LINE, LINE);
      return ahead.observe(second, LINE) > 0;
    };
    expect([started(1002 * LINE), started(1002 * LINE + 1)]).toEqual([true, false]);
    expect(started(997 * LINE - 1)).toBe(false);
  });

  test('are forgotten once a stream has begun there', () => {
    const ahead = new ReadAhead(LINE, WINDOW);
    ahead.observe(100 * LINE, LINE);
    expect(ahead.observe(101 * LINE, LINE)).toBeGreaterThan(0);
    expect(ahead.observe(0, LINE)).toBe(0);
  });

  test('a line makes the window smaller if its reader is still to come to it', () => {
    const windowAfter = (lineOf: (at: { next: number; aheadTo: number }) => number) => {
      const { ahead, next, aheadTo } = stream();
      // The reach shrinks with every line that leaves unused; the window only with those that are to come.
      for (let i = 0; i < 30; i++) ahead.unused(lineOf({ next: next / LINE, aheadTo }));
      for (let i = 0; i < 250; i++) ahead.used();
      let windowMax = 0;
      for (let line = 10; line < 60; line++) {
        const asked = ahead.observe(line * LINE, LINE);
        if (asked > 0) windowMax = Math.max(windowMax, ahead.first + asked - (line + 1));
      }
      return windowMax;
    };
    expect(windowAfter(({ next }) => next)).toBeLessThan(16);
    expect(windowAfter(({ aheadTo }) => aheadTo - 1)).toBeLessThan(16);
    expect(windowAfter(({ next }) => next - 1)).toBe(WINDOW);
    expect(windowAfter(({ aheadTo }) => aheadTo)).toBe(WINDOW);
  });
});
