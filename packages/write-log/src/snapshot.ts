import type { BlockError } from '@blockyard/block';
import type { Backlog } from './changes/backlog.js';
import { NO_ID } from './format/bytes.js';
import type { Superblock } from './format/superblock.js';
import type { Log } from './log/log.js';
import type { MediumState } from './log/medium-state.js';
import type { Medium } from './medium/medium.js';
import type { Settings, WriteLogDurability } from './options.js';

/** The medium as it is now. */
export interface LogMediumSnapshot {
  /**
   * `good`; `failed`: what is accepted goes to the base alone, and a flush is the base's; `leaving`: it has failed, and what it
   * has is being brought to the base.
   */
  readonly state: 'good' | 'leaving' | 'failed';
  /** Why it is not good. */
  readonly error: BlockError | undefined;
  /** For how long it has not been good, in milliseconds. */
  readonly failingMs: number | undefined;
  /** In how many milliseconds it is tried again. */
  readonly nextProbeMs: number | undefined;
}

/** A write log as it is now. Bytes, unless said otherwise. */
export interface WriteLogSnapshot {
  /** What a flush promises while the medium is good. */
  readonly durability: WriteLogDurability;
  readonly tierId: string;
  /** Whether the base knows that this tier may have what it does not. Always false where it cannot. */
  readonly isAttached: boolean;
  /** Data that are not known to be durable on the base. */
  readonly undrainedBytes: number;
  /** Records of the log that have such data, or zeroes. */
  readonly undrainedRecords: number;
  /** For how long the oldest of it has been waiting, in milliseconds; undefined if there is none. */
  readonly oldestUndrainedMs: number | undefined;
  /** Whether all that was accepted is durable, on the medium or on the base. */
  readonly isDurable: boolean;
  readonly ringBytes: number;
  /** Part of the ring that is taken, from 0 to 1. */
  readonly ringUsedShare: number;
  readonly memoryBytes: number;
  readonly medium: LogMediumSnapshot;
  /** Why what is undrained does not reach the base, until it does. */
  readonly drainError: BlockError | undefined;
  /** Data of writes that were accepted. */
  readonly acceptedBytes: number;
  readonly mediumWrittenBytes: number;
  /** Flushes of the medium. */
  readonly mediumFlushes: number;
  /** Calls of `flush`. */
  readonly flushes: number;
  /** Times that a batch was brought to the base and flushed there. */
  readonly drains: number;
}

/** What a snapshot is made of. */
export interface SnapshotParts
  extends Pick<WriteLogSnapshot, 'tierId' | 'isAttached' | 'drainError' | 'acceptedBytes'> {
  readonly settings: Settings;
  readonly backlog: Backlog;
  readonly log: Pick<Log, 'ringBytes' | 'usedShare'>;
  readonly state: Pick<MediumState, 'failure' | 'phase'>;
  readonly medium: Pick<Medium, 'writtenBytes' | 'flushes'>;
  readonly flushes: number;
  readonly drains: number;
}

/** Of a write log that is open for writing. */
export function snapshotOf(parts: SnapshotParts): WriteLogSnapshot {
  const { backlog, log, state, medium, settings, flushes, drains } = parts;
  const { tierId, isAttached, drainError, acceptedBytes } = parts;
  const { failure, phase } = state;
  const { oldest } = backlog;
  return {
    durability: settings.durability,
    tierId,
    isAttached,
    undrainedBytes: backlog.undrainedBytes,
    undrainedRecords: backlog.records.length,
    oldestUndrainedMs: oldest && Math.max(0, settings.clock.now() - oldest.acceptedAtMs),
    isDurable: backlog.isEmpty || backlog.durable.value >= backlog.accepted,
    ringBytes: log.ringBytes,
    ringUsedShare: log.usedShare,
    memoryBytes: backlog.memoryBytes,
    medium: {
      state: phase === 'logging' ? 'good' : phase === 'leaving' ? 'leaving' : 'failed',
      error: failure?.error,
      failingMs: failure?.failingMs,
      nextProbeMs: failure?.nextProbeMs,
    },
    drainError,
    acceptedBytes,
    mediumWrittenBytes: medium.writtenBytes,
    mediumFlushes: medium.flushes,
    flushes,
    drains,
  };
}

/** Of a write log that is only read. */
export function readOnlySnapshot(superblock: Superblock, backlog: Backlog, settings: Settings): WriteLogSnapshot {
  const { oldest } = backlog;
  const { clock, durability } = settings;
  const ringBytes = superblock.ringEnd - superblock.ringStart;
  const last = backlog.records.at(-1);
  return {
    durability,
    tierId: superblock.tierId,
    isAttached: superblock.attachmentId !== NO_ID,
    undrainedBytes: backlog.undrainedBytes,
    undrainedRecords: backlog.records.length,
    oldestUndrainedMs: oldest && Math.max(0, clock.now() - oldest.acceptedAtMs),
    isDurable: true,
    ringBytes,
    ringUsedShare: last === undefined ? 0 : (last.next.at - superblock.tail.at) / ringBytes,
    memoryBytes: backlog.memoryBytes,
    medium: { state: 'good', error: undefined, failingMs: undefined, nextProbeMs: undefined },
    drainError: undefined,
    acceptedBytes: 0,
    mediumWrittenBytes: 0,
    mediumFlushes: 0,
    flushes: 0,
    drains: 0,
  };
}
