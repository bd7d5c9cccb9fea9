import { describe, expect, test } from 'vitest';
import { Geometry } from '../lines/geometry.js';
import type { Entry, Line } from '../tables/numbers.js';
import { smallLines } from '../testing/small-lines.js';
import { FetchWidth, type Width } from './fetch-width.js';

const LINE_SECTORS = 128;
const GRANULE = 8;
/** Fetches after which it is seen whether whole lines pay, and lookups that must have been served meanwhile. */
const FETCHES_PER_LOOK = 128;
const SERVED_MIN = 11;
const WHOLE = new Set(['whole']);
/** No probe, and the next lines are none either. */
const FAR = 5000;

/** The choice, with lines of which the test says what they hold. `end`: sectors of each that the device has. */
function choiceOf(size: { lineSectors?: number; sectorSize?: number; end?: number; slotsMax?: number } = {}) {
  const { lineSectors = LINE_SECTORS, sectorSize = 512, end = lineSectors, slotsMax = 9 } = size;
  const { lines, real } = smallLines({ lineSectors, slots: 9 });
  const middle = Math.floor((lineSectors * 5) / 16);
  const counts = { lookups: 0 };
  let coming = (_from: number, _to: number) => 0;
  const context = {
    base: { fragments: () => undefined },
    geometry: new Geometry(sectorSize, lineSectors * sectorSize, 1),
    lines: {
      find: (line: Line) => real.lines.find(line),
      probes: real.lines.probes,
      slotsMax,
      valid: real.lines.valid,
    },
    fetcher: {
      countHeld: (entry: Entry, from: number, to: number) => real.lines.valid.count(entry, from, to) + coming(from, to),
    },
    counts,
    lineEnd: () => end,
  };
  const width = new FetchWidth(context);
  const entryOf = (line: number) => (lines.find(line) < 0 ? lines.admit(line, false) : lines.find(line)) as Entry;
  /** A read that misses. What is fetched for it is there afterwards. */
  const miss = (line: number, from = middle, to = from + 1, isLong = false, by = width): Width => {
    counts.lookups++;
    const entry = entryOf(line);
    const [low, high] = by.choose(entry, line as Line, from, to, isLong);
    lines.valid.set(entry, low, high);
    return [low, high];
  };
  const isNarrow = ([from, to]: Width) => to - from < end;
  /** Of lines so far apart, those that are probes as long as there was none. */
  const probesBelow = (end: number, stride = 1) => {
    let by = new FetchWidth(context);
    const found: number[] = [];
    for (let line = 0; line < end; line += stride) {
      if (!isNarrow(miss(line, middle, middle + 1, false, by))) continue;
      found.push(line);
      by = new FetchWidth(context);
    }
    counts.lookups = 0;
    return found;
  };
  const probes = probesBelow(1600);
  const isProbe = new Set(probes);
  let lastOther = -1;
  /** Fetches so many probes, of which so many are asked for more. */
  const probe = (fetched: number, used = 0) => {
    for (let i = 0; i < fetched; i++) {
      const line = next(probes);
      miss(line);
      if (i < used) miss(line, 120);
    }
  };
  /** How a line is fetched that is no probe. */
  const other = () => {
    do lastOther++;
    while (isProbe.has(lastOther));
    return isNarrow(miss(lastOther)) ? 'narrow' : 'whole';
  };
  const others = (count: number) => new Set(Array.from({ length: count }, other));
  const comes = (sectors: typeof coming) => {
    coming = sectors;
  };
  return { width, lines, counts, miss, probesBelow, probes, probe, other, others, isNarrow, entryOf, comes };
}

function next(lines: number[]): number {
  const line = lines.shift();
  if (line === undefined) throw new Error('there must be a line left');
  return line;
}

describe('Probes', () => {
  test('are one line in sixteen, whatever the stride of the reader', () => {
    const { probesBelow } = choiceOf();
    for (const stride of [1, 3, 16, 100, 128]) {
      const { length } = probesBelow(1600 * stride, stride);
      expect(length).toBeGreaterThan(90);
      expect(length).toBeLessThan(110);
    }
  });

  test('are one line in sixty-four while those before were asked for more', () => {
    const { probesBelow, miss, isNarrow, counts } = choiceOf();
    const first = probesBelow(6400 + 256);
    const probes = first.filter((line) => {
      counts.lookups += FETCHES_PER_LOOK;
      const isProbe = isNarrow(miss(line));
      if (isProbe) miss(line, 120);
      return isProbe;
    });
    expect(probes.slice(0, 16)).toEqual(first.slice(0, 16));
    expect(probes.length - 16).toBeGreaterThan(90);
    expect(probes.length - 16).toBeLessThan(110);
  });

  test('are rare once a quarter of sixteen of them was asked for more', () => {
    for (const [fetched, used, isRare] of [
      [16, 4, true],
      [16, 3, false],
      [15, 15, false],
    ] as const) {
      const { probe, probes, miss, isNarrow } = choiceOf();
      probe(fetched, used);
      expect(isNarrow(miss(next(probes)))).toBe(!isRare);
    }
  });

  test('tell from the sixteenth on, and not before', () => {
    const { probe, other } = choiceOf();
    probe(15);
    expect(other()).toBe('whole');
    probe(1);
    expect(other()).toBe('narrow');
  });

  test('of which a twelfth is asked for more, give or take one, leave the choice as it is', () => {
    const { probe, other, width } = choiceOf();
    probe(24, 1);
    expect(other()).toBe('whole');
    probe(1);
    expect(other()).toBe('narrow');
    probe(2, 2);
    expect([other(), width.probeReuse]).toEqual(['narrow', 3 / 27]);
    probe(1, 1);
    expect([other(), width.probeReuse]).toEqual(['whole', 4 / 28]);
  });

  test('of long ago count for half: what was seen lately decides', () => {
    const { probe, width } = choiceOf();
    probe(51);
    probe(12, 12);
    expect(width.probeReuse).toBe(12 / 63);
    probe(1);
    expect(width.probeReuse).toBe(12 / 64);
    probe(1, 1);
    expect(width.probeReuse).toBe(7 / 33);
  });

  test('decide sooner for it that what is fetched follows the readers', () => {
    const { probe, other } = choiceOf();
    probe(64);
    probe(3, 3);
    expect(other()).toBe('narrow');
    probe(1, 1);
    expect(other()).toBe('whole');
  });

  test('count as asked for more once, however often they are', () => {
    const { miss, probes, width } = choiceOf();
    const line = next(probes);
    miss(line);
    miss(next(probes));
    miss(line, 120);
    miss(line, 20);
    expect(width.probeReuse).toBe(1 / 2);
  });

  test('are not made of lines that hold something, or for which something is on its way', () => {
    const { miss, probes, lines, entryOf, isNarrow, comes, width } = choiceOf();
    const line = next(probes);
    lines.valid.set(entryOf(line), 0, 1);
    expect(isNarrow(miss(line))).toBe(false);
    comes((from, to) => (from <= 3 && 3 < to ? 1 : 0));
    expect(isNarrow(miss(next(probes)))).toBe(false);
    comes(() => 0);
    expect(isNarrow(miss(next(probes)))).toBe(true);
    expect(width.counts).toEqual({ narrow: 1, whole: 2 });
  });

  test('are not made of lines that are no larger than what is fetched at least', () => {
    const { miss, lines, width, entryOf } = choiceOf({ lineSectors: GRANULE });
    for (let line = 0; line < 400; line++) {
      miss(line, 2);
      if (lines.probes.has(entryOf(line))) throw new Error(`line ${line} must not be a probe`);
    }
    expect([width.counts, width.probeReuse]).toEqual([{ narrow: 0, whole: 400 }, 0]);
  });
});

describe('A fetch', () => {
  test('is of whole granules, and of as many as double what the line holds', () => {
    const { probe, miss, lines, entryOf } = choiceOf();
    probe(16);
    const held = (sectors: number) => {
      const line = FAR + sectors;
      lines.valid.set(entryOf(line), LINE_SECTORS - sectors, LINE_SECTORS);
      const [low, high] = miss(line, 41, 42);
      return [low, high - low];
    };
    expect([1, 4, 8, 9, 16, 24, 32, 40, 64].map(held)).toEqual([
      [40, 8],
      [40, 8],
      [32, 16],
      [32, 16],
      [32, 32],
      [32, 32],
      [0, 64],
      [0, 64],
      [0, 128],
    ]);
  });

  test('counts what is on its way to the line like what it holds', () => {
    const { probe, miss, comes } = choiceOf();
    probe(16);
    comes((from, to) => (from === 0 && to === LINE_SECTORS ? 32 : 0));
    expect(miss(FAR, 70, 71)).toEqual([64, 128]);
  });

  test('covers what is asked for, across granules too', () => {
    const { probe, miss } = choiceOf();
    probe(16);
    expect(miss(FAR, 7, 17)).toEqual([0, 24]);
    expect(miss(FAR + 2, 8, 16)).toEqual([8, 16]);
  });

  test('is of a sector at least, where sectors are large', () => {
    const { probes, miss, width } = choiceOf({ lineSectors: 4, sectorSize: 8192 });
    for (let i = 0; i < 16; i++) miss(next(probes), 1);
    expect(miss(FAR, 2, 3)).toEqual([2, 3]);
    expect(width.counts).toEqual({ narrow: 17, whole: 0 });
  });

  test('of all that the device has of its last line is a whole one', () => {
    const { miss, width } = choiceOf({ end: 50 });
    expect(miss(2, 3)).toEqual([0, 50]);
    expect(width.counts).toEqual({ narrow: 0, whole: 1 });
  });

  test('for a long read is whole, and so is one that goes on where data lie or are on their way', () => {
    const { probe, miss, lines, entryOf, comes, isNarrow } = choiceOf();
    probe(16);
    expect(isNarrow(miss(FAR, 40, 41, true))).toBe(false);
    lines.valid.set(entryOf(FAR + 2), 39, 40);
    expect(isNarrow(miss(FAR + 2, 40, 41))).toBe(false);
    lines.valid.set(entryOf(FAR + 4), 41, 42);
    expect(isNarrow(miss(FAR + 4, 40, 41))).toBe(true);
    lines.valid.set(entryOf(FAR + 6), LINE_SECTORS - 1, LINE_SECTORS);
    expect(isNarrow(miss(FAR + 7, 0, 1))).toBe(false);
    lines.valid.set(entryOf(FAR + 10), LINE_SECTORS - 2, LINE_SECTORS - 1);
    expect(isNarrow(miss(FAR + 11, 0, 1))).toBe(true);
    expect([isNarrow(miss(0, 0, 1)), isNarrow(miss(FAR + 21, 0, 1))]).toEqual([true, true]);
    comes((from, to) => (from === 39 && to === 40 ? 1 : 0));
    expect([isNarrow(miss(FAR + 30, 40, 41)), isNarrow(miss(FAR + 32, 41, 42))]).toEqual([false, true]);
  });
});

describe('The look at what is served', () => {
  /**
   * So many fetches of reads that go on nowhere, by which sixteen probes tell that whole lines pay, after a look that found too
   * little.
   */
  function scattered(count: number, slotsMax = 9) {
    const choice = choiceOf({ slotsMax });
    choice.probe(16, 3);
    expect(choice.others(Math.max(FETCHES_PER_LOOK, slotsMax / 2) + count - 19)).toEqual(WHOLE);
    return choice;
  }

  test('comes after 128 fetches: where twice in a row nothing was served, they are narrow from then on', () => {
    const { other, width } = scattered(FETCHES_PER_LOOK - 1);
    expect(width.probeReuse).toBe(3 / 16);
    expect(other()).toBe('narrow');
    // Probes begin anew.
    expect(width.probeReuse).toBe(0);
  });

  test('comes later where there are more lines: after half as many fetches, of which a twelfth is more', () => {
    expect(scattered(299, 600).other()).toBe('narrow');
    for (const [served, after] of [
      [25, 'whole'],
      [24, 'narrow'],
    ] as const) {
      const { other, counts } = scattered(299, 600);
      counts.lookups += served;
      expect(other()).toBe(after);
    }
  });

  test('leaves lines whole where a twelfth as much was served without a fetch', () => {
    for (const [served, after] of [
      [SERVED_MIN, 'whole'],
      [SERVED_MIN - 1, 'narrow'],
    ] as const) {
      const { other, counts } = scattered(FETCHES_PER_LOOK - 1);
      counts.lookups += served;
      expect(other()).toBe(after);
    }
  });

  test('counts what was served since the last one', () => {
    const { other, others, counts } = scattered(FETCHES_PER_LOOK - 1);
    counts.lookups += 10 * SERVED_MIN;
    expect(others(2 * FETCHES_PER_LOOK)).toEqual(WHOLE);
    expect(other()).toBe('narrow');
  });

  test('forgets that too little was served before, once enough was, or fetches were narrow meanwhile', () => {
    const enough = scattered(FETCHES_PER_LOOK - 1);
    enough.counts.lookups += SERVED_MIN;
    expect(enough.others(2 * FETCHES_PER_LOOK)).toEqual(WHOLE);
    const narrow = scattered(1);
    narrow.probe(64);
    expect(narrow.other()).toBe('narrow');
    narrow.probe(16, 16);
    expect(narrow.others(2 * FETCHES_PER_LOOK - 40)).toEqual(WHOLE);
  });

  test('counts no long reads as reads that go on nowhere, and no fetch of theirs as served', () => {
    const { other, miss, counts } = scattered(FETCHES_PER_LOOK - 1);
    for (let line = FAR; line < FAR + 600; line++) miss(line, 40, 41, true);
    counts.lookups += SERVED_MIN - 1;
    expect(other()).toBe('narrow');
  });

  test('decides nothing before sixteen probes were fetched', () => {
    const { probe, others } = choiceOf();
    probe(15, 15);
    expect(others(3 * FETCHES_PER_LOOK)).toEqual(WHOLE);
  });

  test('rests while fetches are narrow, and begins anew when they are whole again', () => {
    const { other, others, probe, probes, miss, width, counts } = scattered(FETCHES_PER_LOOK - 50);
    probe(64);
    expect(other()).toBe('narrow');
    const { probeReuse } = width;
    expect(probeReuse).toBeGreaterThan(0);
    expect(others(FETCHES_PER_LOOK)).toEqual(new Set(['narrow']));
    expect(width.probeReuse).toBe(probeReuse);
    while (other() === 'narrow') {
      const line = next(probes);
      miss(line);
      counts.lookups += SERVED_MIN;
      miss(line, 120);
    }
    // What was served while they were narrow says nothing of whole lines.
    expect(others(2 * FETCHES_PER_LOOK - 3)).toEqual(WHOLE);
    counts.lookups += SERVED_MIN - 1;
    expect(other()).toBe('narrow');
  });

  test('leaves what earlier probes are asked for to the next ones, whose share is never above one', () => {
    const { other, width, miss, probes } = scattered(FETCHES_PER_LOOK - 4);
    const earlier = [next(probes), next(probes), next(probes)];
    for (const line of earlier) miss(line);
    expect(other()).toBe('narrow');
    for (const line of earlier) miss(line, 120);
    expect(width.probeReuse).toBe(0);
    miss(next(probes));
    expect(width.probeReuse).toBe(1);
  });
});
