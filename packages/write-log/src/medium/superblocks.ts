import { BlockError, isZero } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import { RING_START_BYTES, SUPERBLOCK_BYTES, SUPERBLOCK_SLOT_BYTES } from '../format/layout.js';
import { decodeSuperblock, encodeSuperblock, type NoSuperblock, type Superblock } from '../format/superblock.js';
import { isUnreadable, type Medium } from './medium.js';

/** How much of a medium's beginning and end is looked at to see if it is empty. */
const LOOK_BYTES = 1 << 20;

type SuperblockChange = Partial<Omit<Superblock, 'counter'>>;

/** The two superblocks of a medium, which are written in turn: one of them is sound at any time. */
export class Superblocks {
  readonly #medium: Medium;
  readonly #turns = new Semaphore(1);
  #current: Superblock;
  /** Where the next one goes. */
  #slot: number;
  /** The largest that this writer may have written: what failed may be on the medium all the same. */
  #largest: { counter: number; run: number };

  constructor(medium: Medium, current: Superblock, slot: number) {
    this.#medium = medium;
    this.#current = current;
    this.#slot = slot;
    this.#largest = current;
  }

  /** The last one that is durable. */
  get current(): Superblock {
    return this.#current;
  }

  /**
   * Writes another one; it is durable when this resolves. Calls at once take turns. Where it fails, the one before is sound, and
   * may be the one that counts, or not.
   *
   * @param change asked when it is its turn
   */
  write(change: () => SuperblockChange): Promise<void> {
    return this.#turns.run(() => this.#write(change));
  }

  /**
   * The same for what must hold also where one of the two is destroyed later: that earlier records do not count, or that those of
   * a new run do. It is in both when this resolves.
   */
  writeBoth(change: () => SuperblockChange): Promise<void> {
    return this.#turns.run(async () => {
      await this.#write(change);
      await this.#write(() => ({}));
    });
  }

  async #write(change: () => SuperblockChange): Promise<void> {
    await this.#throwIfFenced();
    const next = { ...this.#current, ...change(), counter: this.#largest.counter + 1 };
    this.#largest = next;
    await writeSuperblock(this.#medium, this.#slot, next);
    this.#current = next;
    this.#slot = 1 - this.#slot;
  }

  /** A medium is for one writer. Another one that opens it writes superblocks that this one never wrote. */
  async #throwIfFenced(): Promise<void> {
    const { latest } = await readSuperblocks(this.#medium);
    if (latest === undefined) return;
    const { counter, run } = this.#largest;
    if (latest.tierId === this.#current.tierId && latest.counter <= counter && latest.run <= run) return;
    throw new BlockError('FENCED', `another writer has opened the write log on ${this.#medium.info.name}`);
  }
}

async function writeSuperblock(medium: Medium, slot: number, superblock: Superblock): Promise<void> {
  const bytes = new Uint8Array(superblock.unit);
  bytes.set(encodeSuperblock(superblock));
  await medium.write(slot * SUPERBLOCK_SLOT_BYTES, [bytes]);
  await medium.flush();
}

/** Writes both, the first one over what may be the older of two, so that one is sound at any time. */
export async function formatSuperblocks(
  medium: Medium,
  superblock: Superblock,
  firstSlot: number,
): Promise<Superblocks> {
  await writeSuperblock(medium, firstSlot, superblock);
  const second = { ...superblock, counter: superblock.counter + 1 };
  await writeSuperblock(medium, 1 - firstSlot, second);
  return new Superblocks(medium, second, firstSlot);
}

type FoundSlot = Superblock | NoSuperblock | 'unreadable';

/** What was found in the two places. */
export interface FoundSuperblocks {
  readonly slots: readonly FoundSlot[];
  /** The later one of those that are sound. */
  readonly latest: Superblock | undefined;
  /** Where it is; 1 if there is none. */
  readonly slot: number;
  /** Why one of them could not be read, if that was so. */
  readonly failure: unknown;
}

/** Throws `UNSUPPORTED` if a later version has written one of them, and what the medium fails with if it can read neither. */
export async function readSuperblocks(medium: Medium): Promise<FoundSuperblocks> {
  const { sectorSize } = medium.info;
  const slots: FoundSlot[] = [];
  const failures: unknown[] = [];
  for (const at of [0, SUPERBLOCK_SLOT_BYTES]) {
    try {
      const bytes = await medium.read(at, Math.max(SUPERBLOCK_BYTES, sectorSize));
      slots.push(decodeSuperblock(bytes.subarray(0, SUPERBLOCK_BYTES)));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      failures.push(error);
      slots.push('unreadable');
    }
  }
  if (failures.length === slots.length) throw failures[0];
  const counterOf = (slot: FoundSlot | undefined) => (typeof slot === 'object' ? slot.counter : -1);
  const slot = counterOf(slots[0]) > counterOf(slots[1]) ? 0 : 1;
  const latest = slots[slot];
  return { slots, slot, latest: typeof latest === 'object' ? latest : undefined, failure: failures[0] };
}

/** Whether the medium is held for empty: its first and its last MiB are zeroes. */
export async function isEmpty(medium: Medium): Promise<boolean> {
  const { sizeBytes } = medium;
  const length = Math.min(LOOK_BYTES, sizeBytes - (sizeBytes % medium.info.sectorSize));
  return isZero(await medium.read(0, length)) && isZero(await medium.read(sizeBytes - length, length));
}

/** Throws where the superblocks are not those of a medium that can be used. */
export function checkSuperblock(medium: Medium, { unit, ringEnd }: Superblock): void {
  const { name, sectorSize } = medium.info;
  if (unit % sectorSize !== 0) {
    const sizes = `sectors of ${sectorSize} bytes, and the log on it was made for ${unit}`;
    throw new BlockError('UNSUPPORTED', `the medium ${name} has ${sizes}`);
  }
  if (ringEnd > medium.sizeBytes || ringEnd <= RING_START_BYTES) {
    throw new BlockError('CORRUPT', `the medium ${name} is shorter than the log on it`);
  }
}
