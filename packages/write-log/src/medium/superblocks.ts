import { BlockError, isZero } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import { RING_START_BYTES, SUPERBLOCK_BYTES, SUPERBLOCK_SLOT_BYTES } from '../format/layout.js';
import { decodeSuperblock, encodeSuperblock, type NoSuperblock, type Superblock } from '../format/superblock.js';
import type { Medium } from './medium.js';

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

  constructor(medium: Medium, current: Superblock, slot: number) {
    this.#medium = medium;
    this.#current = current;
    this.#slot = slot;
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
    return this.#turns.run(async () => {
      const next = { ...this.#current, ...change(), counter: this.#current.counter + 1 };
      await writeSuperblock(this.#medium, this.#slot, next);
      this.#current = next;
      this.#slot = 1 - this.#slot;
    });
  }
}

async function writeSuperblock(medium: Medium, slot: number, superblock: Superblock): Promise<void> {
  const bytes = new Uint8Array(superblock.unit);
  bytes.set(encodeSuperblock(superblock));
  await medium.write(slot * SUPERBLOCK_SLOT_BYTES, [bytes]);
  await medium.flush();
}

/** Writes both, the first one over what may be the older of two, so that one is sound at any time. */
export async function writeBoth(medium: Medium, superblock: Superblock, firstSlot: number): Promise<Superblocks> {
  await writeSuperblock(medium, firstSlot, superblock);
  const superblocks = new Superblocks(medium, superblock, 1 - firstSlot);
  await superblocks.write(() => ({}));
  return superblocks;
}

/** What was found in the two places. */
export interface FoundSuperblocks {
  readonly slots: readonly (Superblock | NoSuperblock)[];
  /** The later one of those that are sound. */
  readonly latest: Superblock | undefined;
  /** Where it is; 1 if there is none. */
  readonly slot: number;
}

/** Throws `UNSUPPORTED` if a later version has written one of them. */
export async function readSuperblocks(medium: Medium): Promise<FoundSuperblocks> {
  const { sectorSize } = medium.info;
  const slots: (Superblock | NoSuperblock)[] = [];
  for (const at of [0, SUPERBLOCK_SLOT_BYTES]) {
    const bytes = await medium.read(at, Math.max(SUPERBLOCK_BYTES, sectorSize));
    slots.push(decodeSuperblock(bytes.subarray(0, SUPERBLOCK_BYTES)));
  }
  const counterOf = (slot: Superblock | NoSuperblock | undefined) => (typeof slot === 'object' ? slot.counter : -1);
  const slot = counterOf(slots[0]) > counterOf(slots[1]) ? 0 : 1;
  const latest = slots[slot];
  return { slots, slot, latest: typeof latest === 'object' ? latest : undefined };
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
