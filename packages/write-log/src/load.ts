import { type BlockDevice, BlockError, checkDevice, systemClock } from '@blockyard/block';
import { Backlog } from './changes/backlog.js';
import { Medium } from './medium/medium.js';
import { Chain } from './opening/chain.js';
import { findSuperblock } from './opening/find-superblock.js';
import { LoadedRecords } from './opening/loaded.js';
import { MEDIUM_WAIT_MS, MEMORY_BYTES } from './options.js';

/** A catching up reads so many times at most, until so little has come since the time before. */
const ROUNDS_MAX = 4;
const CAUGHT_UP_BYTES = 1 << 20;

/** What is known of a log before it is opened. */
export interface LoadedWriteLog {
  /** For `connectWriteLog`, as `loaded`: it is that device's from then on, or of no use. Undefined: the medium is empty. */
  readonly loaded: LoadedRecords | undefined;
  /** Takes in what was written since. Rejects as `loadWriteLog` does. */
  catchUp(): Promise<void>;
}

/**
 * Reads the log on a medium beside the writer that has it, changing nothing, so that an opening that follows soon has little to
 * read. The medium stays its owner's.
 *
 * Rejects with `ALREADY_EXISTS` if something else is on it, `CORRUPT` if its superblocks are damaged, `UNSUPPORTED` if a later
 * version has written it, and what it fails with.
 */
export async function loadWriteLog(device: BlockDevice): Promise<LoadedWriteLog> {
  checkDevice(device, 'medium');
  const loading = new Loading(device);
  await loading.catchUp();
  return loading;
}

class Loading implements LoadedWriteLog {
  readonly #medium: Medium;
  #loaded: LoadedRecords | undefined;

  constructor(device: BlockDevice) {
    this.#medium = new Medium(device, systemClock, MEDIUM_WAIT_MS);
  }

  get loaded(): LoadedRecords | undefined {
    return this.#loaded;
  }

  async catchUp(): Promise<void> {
    try {
      // What has come while it was read is less each time, as a rule.
      for (let rounds = 0; rounds < ROUNDS_MAX && (await this.#catchUp()) > CAUGHT_UP_BYTES; rounds++);
    } catch (error) {
      throw BlockError.from(error, { operation: 'connect', device: this.#medium.info.name });
    }
  }

  /** Returns how much was read. */
  async #catchUp(): Promise<number> {
    const { superblock } = await findSuperblock(this.#medium);
    if (superblock === undefined) return 0;
    if (this.#loaded?.catchUp(superblock) !== true) {
      this.#loaded = new LoadedRecords(superblock, superblock.tail, new Backlog(MEMORY_BYTES));
    }
    const loaded = this.#loaded;
    const from = loaded.end.at;
    const chain = new Chain(this.#medium, superblock, loaded.end);
    for (let found = await chain.next(); found !== undefined; found = await chain.next()) loaded.add(found, superblock);
    return loaded.end.at - from;
  }
}
