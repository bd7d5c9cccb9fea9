import { type BlockDevice, createDevice, type SectorRange } from '@blockyard/block';

/** Ways in which a write-back cache can lie. */
export interface Lies {
  /** Writes out, but does not flush the base. */
  readonly skipBaseFlush?: boolean;
  /** Flushes the base first, and writes out then. */
  readonly flushTooEarly?: boolean;
  /** Writes out nothing until the end, whatever is flushed. */
  readonly flushNothing?: boolean;
  /** Forgets what is dirty before the base has taken it. */
  readonly cleanTooEarly?: boolean;
  /** Marks data clean that was rewritten during its write-back. */
  readonly cleanTheNewer?: boolean;
  /** Reports no failed flush. */
  readonly hideFailures?: boolean;
  /** Keeps what was dirty past the new end. */
  readonly keepDirtyPastTheEnd?: boolean;
  /** Forgets what is dirty past the new end before the base has shrunk. */
  readonly forgetBeforeShrink?: boolean;
  /** Reports the base's holes as zeroes although they are dirty. */
  readonly extentsOfTheBase?: boolean;
}

/**
 * A write-back cache of one map: the simplest device that holds accepted writes back until a flush. It keeps whole sectors and
 * never evicts. Good unless told to lie.
 */
export function writeBack(base: BlockDevice, lies: Lies = {}): BlockDevice {
  const { sectorSize } = base.info;
  const dirty = new Map<number, Uint8Array>();

  const writeOut = async (range: SectorRange) => {
    for (const sector of [...dirty.keys()].filter((each) => isWithin(each, range))) {
      const bytes = dirty.get(sector);
      if (bytes === undefined) continue;
      if (lies.cleanTooEarly) dirty.delete(sector);
      await base.write(sector, [bytes]);
      // Written again in the meantime: the newer contents are dirty still.
      if (dirty.get(sector) === bytes || lies.cleanTheNewer) dirty.delete(sector);
    }
  };
  const flushNow = async (range: SectorRange) => {
    if (lies.flushNothing) return;
    if (lies.flushTooEarly) await base.flush();
    await writeOut(range);
    if (!lies.skipBaseFlush && !lies.flushTooEarly) await base.flush();
  };
  // One after the other: of two write-backs of one sector at once, the older might come last.
  let last: Promise<void> = Promise.resolve();
  const inLine = (run: () => Promise<void>) => {
    const mine = last.then(run);
    last = mine.catch(() => {});
    return mine;
  };
  const flush = (range: SectorRange = EVERYTHING) => inLine(() => flushNow(range));
  const forget = (range: SectorRange) => {
    for (const sector of [...dirty.keys()]) if (isWithin(sector, range)) dirty.delete(sector);
  };
  const forgetPast = (sizeSectors: number) => {
    if (!lies.keepDirtyPastTheEnd) forget({ start: sizeSectors, count: Number.POSITIVE_INFINITY });
  };

  return createDevice({
    name: `write-back(${base.info.name})`,
    lost: base.lost,
    sectorSize,
    sizeSectors: base.info.sizeSectors,
    readOnly: base.info.readOnly,
    async read(start, buffers) {
      // What is written out during the read of the base may not be in what that read finds.
      const before = new Map(dirty);
      await base.read(start, buffers);
      for (const [sector, view] of sectorsOf(start, buffers, sectorSize)) {
        const bytes = dirty.get(sector) ?? before.get(sector);
        if (bytes !== undefined) view.set(bytes);
      }
    },
    write(start, buffers) {
      for (const [sector, view] of sectorsOf(start, buffers, sectorSize)) dirty.set(sector, new Uint8Array(view));
    },
    flush: (range) =>
      flush(range).catch((error: unknown) => {
        if (!lies.hideFailures) throw error;
      }),
    async resize(sizeSectors) {
      if (lies.forgetBeforeShrink) forgetPast(sizeSectors);
      await base.resize(sizeSectors);
      forgetPast(sizeSectors);
    },
    // In line with the flushes: a write-back under way must not come after it.
    discard: (start, count) =>
      inLine(async () => {
        await base.discard(start, count);
        forget({ start, count });
      }),
    async extents(start, count) {
      if (lies.extentsOfTheBase) return base.extents(start, count);
      if (![...dirty.keys()].some((sector) => isWithin(sector, { start, count }))) return base.extents(start, count);
      return [{ start, count, type: 'data' }];
    },
    async disconnect(options) {
      if (options.force !== true && lies.flushNothing) await writeOut(EVERYTHING);
      await base.disconnect(options);
    },
  });
}

const EVERYTHING: SectorRange = { start: 0, count: Number.POSITIVE_INFINITY };

function isWithin(sector: number, { start, count }: SectorRange): boolean {
  return sector >= start && sector < start + count;
}

function* sectorsOf(
  start: number,
  buffers: readonly Uint8Array[],
  sectorSize: number,
): Generator<[number, Uint8Array]> {
  let sector = start;
  for (const buffer of buffers) {
    for (let at = 0; at < buffer.byteLength; at += sectorSize) yield [sector++, buffer.subarray(at, at + sectorSize)];
  }
}
