import { type BlockDevice, BlockError, type DisconnectOptions, type Extent, type Fragment } from '@blockyard/block';
import { Admission } from './admission.js';
import type { Backlog } from './changes/backlog.js';
import { BaseWriter } from './drain/base-writer.js';
import type { Batch } from './drain/batch.js';
import { Drainer } from './drain/drainer.js';
import { NO_ID } from './format/bytes.js';
import type { ChainPlace } from './format/superblock.js';
import { Attachment } from './log/attachment.js';
import { maxChangeBytesOf } from './log/build-record.js';
import { Committer } from './log/committer.js';
import { Log } from './log/log.js';
import { MediumState } from './log/medium-state.js';
import { ChangeReader } from './medium/change-reader.js';
import type { Medium } from './medium/medium.js';
import type { Superblocks } from './medium/superblocks.js';
import { LoadedRecords } from './opening/loaded.js';
import { checkedId, type Settings } from './options.js';
import { Overlay } from './reading/overlay.js';
import { snapshotOf, type WriteLogSnapshot } from './snapshot.js';
import { Timers } from './timers.js';

/** What was opened. */
export interface Opened {
  readonly base: BlockDevice;
  readonly medium: Medium;
  readonly superblocks: Superblocks;
  readonly backlog: Backlog;
  readonly end: ChainPlace;
  /** What base and medium agree on, or `NO_ID`. */
  readonly attachmentId: string;
  /** What the base may have a part of already. */
  readonly batch: Batch | undefined;
}

/** A write log that is open for writing. */
export class Engine {
  readonly #base: BlockDevice;
  readonly #medium: Medium;
  readonly #settings: Settings;
  readonly #backlog: Backlog;
  readonly #log: Log;
  readonly #attachment: Attachment;
  readonly #committer: Committer;
  readonly #state: MediumState;
  readonly #writer: BaseWriter;
  readonly #drainer: Drainer;
  readonly #overlay: Overlay;
  readonly #superblocks: Superblocks;
  readonly #admission: Admission;
  readonly #timers: Timers;
  /** The size that the base has after a crash, if it was not resized since. */
  #durableSizeSectors: number;
  #flushes = 0;
  /** Whether what is durable on the medium is left there at the end. */
  #isLeaving = false;
  /** Whether it was. */
  #isLeft = false;

  constructor(opened: Opened, settings: Settings) {
    const { base, medium, superblocks, backlog } = opened;
    const { clock, newId, place, mark, maxMemoryBytes } = settings;
    this.#base = base;
    this.#medium = medium;
    this.#settings = settings;
    this.#backlog = backlog;
    this.#superblocks = superblocks;
    this.#durableSizeSectors = superblocks.current.baseSizeSectors;
    const wallMs = () => Math.trunc(clock.wallMs?.() ?? Date.now());
    const onMediumFailure = (error: unknown) => this.#state.mediumFailed(error);
    const { tierId } = superblocks.current;
    const id = () => checkedId(newId);
    this.#attachment = new Attachment({ mark, tierId, place, newId: id, wallMs, onMediumFailure }, opened.attachmentId);
    const context = {
      attachmentId: () => this.#attachment.id,
      baseSizeSectors: () => base.info.sizeSectors,
      durableSizeSectors: () => this.#durableSizeSectors,
      wallMs,
      random: () => Number.parseInt(id().slice(0, 8), 16),
      onFreed: () => this.#drainer.freed(),
    };
    this.#log = new Log(medium, superblocks, backlog, context, opened.end);
    this.#committer = new Committer(this.#log, backlog, {
      clock,
      onFull: () => this.#drainer.makeRoom(),
      onFlushed: () => this.#logged(),
      onFailure: onMediumFailure,
    });
    this.#state = new MediumState(
      { backlog, log: this.#log, committer: this.#committer, attachment: this.#attachment },
      {
        clock,
        name: medium.info.name,
        onError: (error) => this.#tell(error),
        onChange: () => this.#changed(),
      },
    );
    const reader = new ChangeReader(medium, superblocks.current);
    this.#writer = new BaseWriter(base, reader, settings.keepOrder);
    this.#drainer = new Drainer(
      { backlog, log: this.#log, committer: this.#committer, writer: this.#writer, phases: this.#state },
      {
        clock,
        sectorSize: base.info.sectorSize,
        onDrained: () => this.#timers.set(),
        lost: base.lost,
        onError: (error) => this.#tell(error),
      },
      opened.batch,
    );
    this.#timers = new Timers(
      { backlog, log: this.#log, attachment: this.#attachment, drainer: this.#drainer, state: this.#state },
      { clock, maxDirtyAgeMs: settings.maxDirtyAgeMs, onError: (error) => this.#tell(error) },
    );
    this.#overlay = new Overlay(base, backlog, reader);
    this.#admission = new Admission(
      { base, backlog, committer: this.#committer, drainer: this.#drainer, phases: this.#state },
      { clock, maxChangeBytes: maxChangeBytesOf(this.#log.shape, maxMemoryBytes), onFirst: () => this.#busy() },
    );
  }

  /** What was found is drained in time; what is accepted from now on goes to the log, once the medium says that it is `begun`. */
  begin(begun: Promise<void>): void {
    if (this.#settings.loaded !== undefined) this.#timers.holdAtFirst();
    begun.then(
      () => this.#state.began(),
      (error: unknown) => this.#state.mediumFailed(error),
    );
    this.#drainer.wake();
    this.#timers.set();
  }

  /** All that counts in the log goes to the base, and nothing that is in it counts any longer. Before {@link begin}. */
  async clear(): Promise<void> {
    await this.#drainer.drainAll();
    await this.#log.reset(this.#attachment.isConfirmed ? this.#attachment.id : NO_ID);
  }

  read(start: number, buffers: readonly Uint8Array[], count: number): Promise<void> | undefined {
    return this.#overlay.read(start, buffers, count);
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#overlay.extents(start, count);
  }

  fragments(start: number, count: number): Fragment[] | undefined {
    return this.#overlay.fragments(start, count);
  }

  write(start: number, buffers: readonly Uint8Array[], lengthBytes: number): Promise<void> | undefined {
    return this.#admission.write(start, buffers, lengthBytes);
  }

  zero(kind: 'discard' | 'zeroes', start: number, count: number): Promise<void> | undefined {
    return this.#admission.zero(kind, start, count);
  }

  async flush(): Promise<void> {
    this.#flushes++;
    const target = this.#backlog.accepted;
    if (this.#base.lost?.aborted === true && this.#backlog.drained.value < target) throw this.#base.lost.reason;
    if (this.#hasNewSize) await this.#confirmSize(target);
    if (this.#settings.durability === 'medium' && (await this.#isLogged(target))) return;
    await this.#drainer.drained(target);
  }

  /** Resolves when the base has everything, durably. */
  async drain(): Promise<void> {
    this.#admission.throwIfEnded();
    await this.#drainer.drainAll();
  }

  async prepareToLeave(): Promise<void> {
    this.#admission.throwIfEnded();
    if (this.#settings.durability === 'base') return this.drain();
    this.#isLeaving = true;
    this.#timers.hold();
    // It may be a large one, and writers have what is free meanwhile.
    await this.#drainer.stepOver();
    // Then they have a part of what becomes free: so it comes to its end, however much they write.
    const takenBytes = this.#log.spare(true);
    try {
      await this.#drainer.drainedTo(takenBytes);
    } finally {
      this.#log.spare(false);
      this.#drainer.roomMade();
    }
    // What memory had to take while the ring was full has room there now. From here on no such heap comes up.
    if (this.#state.phase === 'logging') await this.#committer.durable(this.#backlog.accepted).catch(() => {});
    if (this.#isLeaving) this.#admission.throttle(true);
    await this.#timers.confirm().catch((error: unknown) => this.#state.mediumFailed(error));
  }

  stay(): void {
    this.#isLeaving = false;
    this.#admission.throttle(false);
    this.#timers.release();
  }

  /**
   * Everything is drained first, so that all records that count are of one size of the base. A size that is new as well is made
   * durable: the base may fall back to it in a crash, and the records of a size that it had before must not be taken for those
   * that were relied upon.
   */
  async resize(sizeSectors: number): Promise<void> {
    await this.#drainer.drainAll();
    if (this.#hasNewSize) await this.#confirmSize(this.#backlog.accepted);
    this.#admission.throwIfEnded();
    await this.#base.resize(sizeSectors);
  }

  async disconnect({ force = false }: DisconnectOptions): Promise<void> {
    if (force) return this.#force();
    const mayLeave = this.#isLeaving && this.#state.phase === 'logging';
    const isDrained = !mayLeave && (await this.#drainAtEnd());
    if (isDrained) await this.#base.disconnect();
    else await this.#leave();
    this.#stop();
    await this.#medium.disconnect();
    this.#isLeft = !isDrained;
  }

  /** What is on the medium after an end that has left it there. */
  left(): LoadedRecords | undefined {
    const { accepted, durable, open } = this.#backlog;
    if (!this.#isLeft || open.length > 0 || durable.value < accepted) return undefined;
    this.#isLeft = false;
    const backlog = this.#backlog.passOn(this.#settings.maxMemoryBytes);
    return new LoadedRecords(this.#superblocks.current, this.#log.drainedPlace, backlog);
  }

  snapshot(): WriteLogSnapshot {
    return snapshotOf({
      settings: this.#settings,
      backlog: this.#backlog,
      log: this.#log,
      tierId: this.#superblocks.current.tierId,
      isAttached: this.#attachment.isConfirmed,
      state: this.#state,
      drainError: this.#drainer.error === undefined ? undefined : this.#placed(this.#drainer.error),
      acceptedBytes: this.#admission.acceptedBytes,
      medium: this.#medium,
      flushes: this.#flushes,
      drains: this.#drainer.drains,
    });
  }

  /** Whether all changes up to this one are durable in the log. False: the medium has failed, and only the base can have them. */
  async #isLogged(target: number): Promise<boolean> {
    if (this.#state.phase !== 'logging') return false;
    try {
      await Promise.all([this.#committer.durable(target), this.#attach(target)]);
      return true;
    } catch (error) {
      if (this.#state.phase === 'logging') throw error;
      return false;
    }
  }

  /** The base must know of what only the log has before anyone relies on that. */
  async #attach(target: number): Promise<void> {
    if (target > this.#backlog.drained.value) await this.#attachment.ensure(this.#log);
  }

  /** The base may have a size that is not durable there, or that the medium does not know of. */
  get #hasNewSize(): boolean {
    const { sizeSectors } = this.#base.info;
    return sizeSectors !== this.#durableSizeSectors || sizeSectors !== this.#superblocks.current.baseSizeSectors;
  }

  async #confirmSize(target: number): Promise<void> {
    const { sizeSectors } = this.#base.info;
    await this.#writer.flush();
    this.#durableSizeSectors = sizeSectors;
    if (this.#state.phase !== 'logging') return;
    try {
      await this.#log.note({ baseSizeSectors: sizeSectors });
    } catch (error) {
      this.#state.mediumFailed(error);
      await this.#drainer.drained(target);
    }
  }

  /** Something is to be drained, for the first time since nothing was. */
  #busy(): void {
    this.#timers.set();
    // Begun now, so that as a rule no flush waits for it.
    if (this.#settings.durability === 'medium' && this.#state.phase === 'logging') {
      this.#attachment.ensure(this.#log).catch(() => {});
    }
  }

  /** The medium has failed, or works again. */
  #changed(): void {
    this.#backlog.freed.notify();
    this.#drainer.wake();
  }

  /** Something is durable in the log that was not before. */
  #logged(): void {
    this.#state.proven();
    if (this.#settings.durability === 'medium') this.#timers.logged();
  }

  /** Whether the base has everything. It must, unless a flush is durable on the medium alone. */
  async #drainAtEnd(): Promise<boolean> {
    try {
      await this.#drainer.drainAll();
    } catch (error) {
      if (this.#settings.durability === 'base' || this.#state.phase !== 'logging') throw error;
      this.#tell(error);
      return false;
    }
    if (this.#state.phase === 'logging') {
      await this.#attachment.release(this.#log).catch((error: unknown) => this.#tell(error));
    }
    return true;
  }

  /** Leaves what the base lacks to the next opening, which finds all of it durable in the log, and ends the base. */
  async #leave(): Promise<void> {
    await this.#drainer.rest();
    const endBase = async () => {
      try {
        await this.#base.disconnect();
      } catch (error) {
        this.#tell(error);
        await this.#base.disconnect({ force: true });
      }
    };
    // Neither has to do with the other.
    await Promise.all([this.#timers.leave().catch((error: unknown) => this.#tell(error)), endBase()]);
  }

  async #force(): Promise<void> {
    this.#stop();
    await Promise.all([this.#base.disconnect({ force: true }), this.#medium.force()]);
  }

  #stop(): void {
    this.#timers.end();
    const ended = new BlockError('DISCONNECTED', 'the device was disconnected');
    this.#state.end();
    this.#attachment.end(ended);
    this.#committer.stop();
    this.#writer.end();
    this.#drainer.end(ended);
    this.#backlog.durable.end(ended);
    this.#admission.end();
  }

  #placed(error: unknown): BlockError {
    return BlockError.from(error, { device: `write-log(${this.#base.info.name})` });
  }

  #tell(error: unknown): void {
    try {
      this.#settings.onError(this.#placed(error));
    } catch {
      // It is told, and that is all: nothing fails for what it does.
    }
  }
}
