import { type BlockDevice, BlockError, createDevice, isBlockError, type SectorRange } from '@blockyard/block';
import { checkMediumSize, formatMedium } from './create.js';
import { ReadOnlyDriver, WriteLogDriver } from './driver.js';
import { Engine, type Opened } from './engine.js';
import { NO_ID } from './format/bytes.js';
import type { Superblock } from './format/superblock.js';
import { ChangeReader } from './medium/change-reader.js';
import { Medium } from './medium/medium.js';
import { Superblocks } from './medium/superblocks.js';
import { findSuperblock } from './opening/find-superblock.js';
import type { LoadedRecords } from './opening/loaded.js';
import { type FoundLog, readLog } from './opening/open-log.js';
import { resumePoint } from './opening/resume-point.js';
import { agreedAttachment, checkBase, isAttachedElsewhere, otherTier } from './opening/tier-check.js';
import { checkedId, checkOptions, type Settings, type WriteLogOptions } from './options.js';
import { Overlay } from './reading/overlay.js';
import { pendingIn } from './reading/pending.js';
import { readOnlySnapshot, type WriteLogSnapshot } from './snapshot.js';

/** An opening begins anew where a superblock could not be read, and it went no further: so often in all. */
const MAX_OPENING_ATTEMPTS = 3;

/** A device over another, with what only a write log has to tell and to be told. */
export interface WriteLogDevice extends BlockDevice {
  /**
   * Resolves when everything that was accepted before is durable on the base, whatever `flush` promises, and the medium says so.
   * Rejects if the base fails.
   */
  drain(): Promise<void>;
  /**
   * For an end that is to be short, and that is followed by an opening of the same medium: from now on it drains only for those who
   * wait for it, or where the ring fills, and a quarter of the ring is free when this resolves, or 64 MiB. `disconnect` then leaves
   * on the medium what is durable there. Where a flush is the base's, it drains everything, and leaves nothing. May be called
   * again, for what has come since. Rejects if the base fails.
   */
  prepareToLeave(): Promise<void>;
  /** The end does not come: drains as before. */
  stay(): void;
  /** After an end that was prepared for: what an opening of the same medium need not read again. */
  left(): LoadedRecords | undefined;
  /**
   * Sectors of a range whose data the base does not have for sure, ascending. In steps, each followed by undefined; what changes
   * between two may be in it or not.
   */
  pending(start: number, count: number): Generator<SectorRange | undefined, void, undefined>;
  /** What it has, and what it does. */
  snapshot(): WriteLogSnapshot;
}

/**
 * Puts a log on a medium before `base`, and gives the same contract back: what is written goes to the log, and from there to the
 * base, in order. Base and medium are its own from now on: they end when it does, or when this rejects.
 *
 * Rejects with `INVALID_ARGUMENT` if an option is wrong or unknown, or the medium is too small; `TIER_MISSING` if the medium is
 * not the one that the base's last flushes are on, or is that of another base; `ALREADY_EXISTS` if something else is on the
 * medium; `CORRUPT` if what was flushed to it is damaged; `UNSUPPORTED` if a later version has written it; and what base or
 * medium fail with.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectWriteLog } from '@blockyard/write-log';
 *
 * const base = await connectMemory({ sizeSectors: 2048 }); // a volume in a store, as a rule
 * const medium = await connectMemory({ sectorSize: 4096, sizeSectors: 2 ** 14 }); // a file, as a rule
 * const device = await connectWriteLog(base, { medium, durability: 'medium' });
 * await device.write(0, [new Uint8Array(512).fill(1)]);
 * await device.flush(); // on the medium; the base has it a little later
 * console.log(device.info.sizeSectors); // 2048
 * await device.disconnect();
 * ```
 */
export async function connectWriteLog(base: BlockDevice, options: WriteLogOptions): Promise<WriteLogDevice> {
  try {
    const settings = checkOptions(base, options);
    const medium = new Medium(options.medium, settings.clock, settings.maxMediumWaitMs);
    checkMediumSize(medium);
    return await (settings.readOnly ? openReadOnly(base, medium, settings) : open(base, medium, settings));
  } catch (error) {
    await end(base);
    await end(options?.medium);
    throw BlockError.from(error, { operation: 'connect', device: 'write log' });
  }
}

/** Ends a device that is no longer of use, by force if need be. */
async function end(device: BlockDevice | undefined): Promise<void> {
  if (typeof device?.disconnect !== 'function') return;
  await device.disconnect().catch(() => device.disconnect({ force: true }));
}

async function open(base: BlockDevice, medium: Medium, settings: Settings): Promise<WriteLogDevice> {
  for (let attempt = 1; ; attempt++) {
    const { superblocks, failure } = await superblocksOf(base, medium, settings);
    try {
      return await openFrom(superblocks, base, medium, settings, failure === undefined);
    } catch (error) {
      // One that could not be read may be the newer one, and be readable by now: what follows from the older one is void then.
      if (failure === undefined) throw error;
      if (attempt === MAX_OPENING_ATTEMPTS) throw isBlockError(error, 'FENCED') ? failure : error;
    }
  }
}

async function openFrom(
  superblocks: Superblocks,
  base: BlockDevice,
  medium: Medium,
  settings: Settings,
  isWhole: boolean,
): Promise<WriteLogDevice> {
  const superblock = superblocks.current;
  const { mark } = settings;
  checkBase(base, settings.baseId, superblock, medium.info.name);
  if (mark !== undefined && isAttachedElsewhere(mark, superblock)) {
    if (!settings.acceptLoss) throw otherTier(mark, superblock);
    await mark.detach(mark.attached?.attachmentId ?? NO_ID);
  }
  const found = await readLog(base, medium, superblock, settings);
  const attachmentId = agreedAttachment(mark, superblock);
  const change = mark === undefined ? {} : { attachmentId };
  const begun = superblocks.writeBoth(() => ({ ...change, run: superblock.run + 1, leftThrough: 0 }));
  begun.catch(() => {});
  // Where clients wait for it, nothing is appended before that is over, and nothing else waits for it.
  if (settings.loaded === undefined || !isWhole || found.hasDropped) await begun;
  const opened: Opened = {
    base,
    medium,
    superblocks,
    attachmentId,
    ...found,
    batch: await batchOf(base, medium, found, superblock),
  };
  const { backlog } = opened;
  const engine = new Engine(opened, settings);
  if (found.hasDropped) await engine.clear();
  engine.begin(begun);
  const device = createDevice(new WriteLogDriver(base, engine), { clock: settings.clock });
  return Object.assign(device, {
    drain: () => engine.drain(),
    prepareToLeave: () => engine.prepareToLeave(),
    stay: () => engine.stay(),
    left: () => engine.left(),
    pending: (start: number, count: number) => pendingIn(backlog, start, count),
    snapshot: () => engine.snapshot(),
  });
}

async function openReadOnly(base: BlockDevice, medium: Medium, settings: Settings): Promise<WriteLogDevice> {
  const { superblock } = await findSuperblock(medium);
  const { mark } = settings;
  if (superblock === undefined) throw new BlockError('NOT_FOUND', `there is no write log on ${medium.info.name}`);
  checkBase(base, settings.baseId, superblock, medium.info.name);
  if (mark !== undefined && isAttachedElsewhere(mark, superblock) && !settings.acceptLoss) {
    throw otherTier(mark, superblock);
  }
  const { backlog } = await readLog(base, medium, superblock, settings);
  const overlay = new Overlay(base, backlog, new ChangeReader(medium, superblock));
  const device = createDevice(new ReadOnlyDriver(base, medium, overlay), { clock: settings.clock });
  const refuse = () => Promise.reject(new BlockError('READ_ONLY', 'the write log is open for reading'));
  return Object.assign(device, {
    drain: refuse,
    prepareToLeave: async () => {},
    stay: () => {},
    left: () => undefined,
    pending: (start: number, count: number) => pendingIn(backlog, start, count),
    snapshot: () => readOnlySnapshot(superblock, backlog, settings),
  });
}

/** Those of the medium, and why one of them could not be read, if that was so. A medium of zeroes is formatted. */
async function superblocksOf(base: BlockDevice, medium: Medium, settings: Settings) {
  const { superblock, slot, failure } = await findSuperblock(medium);
  if (superblock !== undefined) return { superblocks: new Superblocks(medium, superblock, 1 - slot), failure };
  const { sectorSize, sizeSectors } = base.info;
  const identity = { id: settings.baseId, sectorSize, sizeSectors };
  return { superblocks: await formatMedium(medium, identity, checkedId(settings.newId)), failure };
}

/** What was being drained when the log was last open. */
async function batchOf(base: BlockDevice, medium: Medium, { begun }: FoundLog, superblock: Superblock) {
  if (begun.length === 0) return undefined;
  const changes = begun.flatMap((record) => record.changes);
  return { changes, records: begun, done: await resumePoint(base, changes, new ChangeReader(medium, superblock)) };
}
