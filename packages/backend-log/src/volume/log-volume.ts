import { BlockError, type Extent, type Fragment, invariant, type MaybePromise, type TierMark } from '@blockyard/block';
import type { Traffic } from '@blockyard/object-store';
import type { Fence, RootObject } from '@blockyard/volume-root';
import { Checkpointer } from '../checkpoint/checkpointer.js';
import type { VolumeKey } from '../encryption/volume-key.js';
import type { CheckpointPlace, LogRoot, SnapshotEntry } from '../format/root.js';
import { maxSlotsOf } from '../format/segment-size.js';
import { Cleaner } from '../maintenance/cleaner.js';
import { Deleter } from '../maintenance/deleter.js';
import { Maintenance } from '../maintenance/maintenance.js';
import { deleteOrphans } from '../maintenance/orphans.js';
import type { Places } from '../objects/places.js';
import { Reader } from '../reading/reader.js';
import { Readers } from '../reading/readers.js';
import { type StoredRun, storedRuns } from '../reading/stored-runs.js';
import { Presence } from '../recovery/presence.js';
import { LogWriter } from '../segments/log-writer.js';
import { withSnapshot } from '../state/snapshot-entries.js';
import { spaceOf } from '../state/space.js';
import type { VolumeState } from '../state/volume-state.js';
import { LoadedState } from './loaded-state.js';
import { closeVolume, type OpenedVolume } from './opening.js';
import type { ConnectLogSettings } from './options.js';
import { causeOf, fencedError } from './replaced.js';
import type { LogStatistics } from './statistics.js';
import { tierMarkOf } from './tier-mark.js';

/** A volume that is open for writing. */
export class LogVolume {
  readonly root: RootObject<LogRoot>;
  readonly fence: Fence;
  readonly state: VolumeState;
  readonly writer: LogWriter;
  readonly maintenance: Maintenance;
  readonly cleaner: Cleaner;
  readonly deleter: Deleter;
  readonly tierMark: TierMark;
  readonly #places: Places;
  readonly #reader: Reader;
  readonly #presence: Presence;
  readonly #conditionalPuts: boolean;
  /** Sectors that were accepted: the state's size is that of the segments that are in it. */
  #sizeSectors: number;
  #isEnded = false;
  #isLeft = false;
  /** Changes that wait for room, so that later ones wait behind them. */
  #waiting = 0;

  constructor(opened: OpenedVolume, settings: ConnectLogSettings) {
    const { store, prefix, places, sealing, root, fence, state, epoch, opening } = opened;
    const { clock, maxMapBytes, maxConcurrency, minDeleteDelayMs, minIdleMs, onError } = settings;
    const { volumeId, segmentSizeBytes } = root.root;
    const { sectorSize } = state;
    const wallMs = () => Math.trunc(clock.wallMs?.() ?? Date.now());
    this.root = root;
    this.fence = fence;
    this.state = state;
    this.#places = places;
    this.#conditionalPuts = opened.conditionalPuts;
    this.#sizeSectors = state.sizeSectors;
    const own = { volumeId, epoch, opening, wallMs };
    this.writer = new LogWriter({
      ...own,
      store,
      prefix,
      sealing,
      clock,
      sectorSize,
      segmentSizeBytes,
      firstNumber: state.through + 1,
      maxInFlightSegments: settings.maxInFlightSegments,
      maxOpenAgeMs: settings.maxDirtyAgeMs,
      onDurable: ({ segment, index, sizeBytes, sealedMs }) => {
        state.apply({ ...segment.name, base: 0 }, { sizeBytes, slots: segment.slots, sealedMs }, index);
        state.map.trim();
        this.maintenance.applied(sizeBytes);
      },
      onTaken: (url) => fencedError(fence, `${url} is another writer's`),
    });
    this.tierMark = tierMarkOf(root, () => this.#checkOpen());
    const readers = new Readers();
    this.#reader = new Reader({
      store,
      places,
      state,
      readers,
      maxConcurrency,
      unapplied: () => this.writer.unapplied(),
    });
    this.cleaner = new Cleaner({ ...own, store, places, sealing, state, reader: opened.reader, segmentSizeBytes });
    this.deleter = new Deleter({ store, places, state, root, readers, clock, deleteDelayMs: minDeleteDelayMs });
    const checkpointer = new Checkpointer({ store, places, state, root, writer: this.writer, epoch, opening, clock });
    this.maintenance = new Maintenance({
      checkpointer,
      cleaner: this.cleaner,
      deleter: this.deleter,
      deleteOrphans: () => deleteOrphans({ store, prefix, places, sealing, state, root, epoch, clock }),
      state,
      clock,
      maxMapBytes,
      maxSlots: maxSlotsOf(segmentSizeBytes, sectorSize),
      idleMs: minIdleMs,
      onError: (error) => void causeOf(error, opened).then(onError),
    });
    this.#presence = new Presence({ root, clock, onGone: () => fencedError(fence, 'the volume was deleted') });
    fence.lost.addEventListener('abort', () => this.#lost(fence.lost.reason), { once: true });
    this.#presence.start();
    this.maintenance.start(opened.segmentsBehind);
  }

  get sizeSectors(): number {
    return this.#sizeSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    return this.#reader.read(start, buffers)?.catch((error: unknown) => this.#fail(error));
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#reader.extents(start, count).catch((error: unknown) => this.#fail(error));
  }

  fragments(start: number, count: number): Fragment[] | undefined {
    return this.#reader.fragments(start, count);
  }

  storedRuns(start: number, count: number): Generator<StoredRun | undefined, void, undefined> {
    return storedRuns(this.state, this.#places, start, count);
  }

  write(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    return this.#changing(() => this.writer.write(start, buffers));
  }

  zero(start: number, count: number): MaybePromise<void> {
    return this.#changing(() => this.writer.zero(start, count));
  }

  async resize(sizeSectors: number): Promise<void> {
    await this.#changing(() => this.writer.resize(sizeSectors, Math.min(sizeSectors, this.#sizeSectors)));
    this.#sizeSectors = sizeSectors;
  }

  async flush(): Promise<void> {
    await this.writer.flush();
    // Where the store lets anyone overwrite, only the root tells whether what was stored counts.
    if (!this.#conditionalPuts) await this.root.verify();
  }

  /** Keeps all that was accepted before the call under a name. */
  async takeSnapshot(name: string, created: string): Promise<SnapshotEntry> {
    await this.flush();
    let entry: SnapshotEntry | undefined;
    const change = (root: LogRoot, checkpoint: CheckpointPlace): LogRoot => {
      const { sizeSectors } = root;
      const { through } = checkpoint;
      entry = { name, checkpoint, epochs: [], through, sizeSectors, created, deletion: null };
      return withSnapshot(root, entry);
    };
    await this.maintenance.checkpoint(change, { isThorough: false }).catch((error: unknown) => this.#fail(error));
    invariant(entry !== undefined, 'a checkpoint that was made has changed the root');
    return entry;
  }

  /** Cleans, and deletes what is due. */
  async compact(): Promise<void> {
    await this.flush();
    await this.maintenance.compact().catch((error: unknown) => this.#fail(error));
  }

  statistics(traffic: Traffic): LogStatistics {
    const { state, writer, maintenance, cleaner, deleter } = this;
    return {
      unflushedBytes: writer.unflushedBytes,
      oldestUnflushedMs: writer.oldestUnflushedMs,
      durableBytes: writer.durableBytes,
      segmentMemoryBytes: writer.byteLength,
      mapMemoryBytes: state.map.byteLength,
      space: spaceOf(state),
      aliveShare: state.objects.aliveShare,
      objectsToDelete: deleter.length,
      checkpoint: {
        generation: this.root.root.checkpoint?.generation ?? 0,
        segmentsBehind: maintenance.segmentsBehind,
        ageMs: maintenance.checkpointAgeMs,
      },
      cleaning: { packs: cleaner.packs, movedBytes: cleaner.movedSectors * state.sectorSize },
      traffic,
    };
  }

  /** After everything was flushed: leaves a root that the next opening need not replay the log for. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#presence.stop();
    this.maintenance.stop();
    await this.maintenance.ended();
    // Without it nothing is lost, and the next opening replays the log.
    if (this.maintenance.isBehind && !this.maintenance.mayLeave) await this.maintenance.checkpoint().catch(() => {});
    await closeVolume(this.root, this.writer.nextNumber);
    this.#isLeft = this.maintenance.mayLeave && this.state.through === this.writer.nextNumber - 1;
  }

  /** The state at a clean end that was prepared for. Nothing else may use it by then. */
  left(volumeKey: VolumeKey | undefined): LoadedState | undefined {
    if (!this.#isLeft) return undefined;
    return new LoadedState(this.state, { root: this.root.root, volumeKey, conditionalPuts: this.#conditionalPuts });
  }

  /** Gives up what is not durable. */
  abandon(error: BlockError): void {
    this.#isEnded = true;
    this.#presence.stop();
    this.maintenance.stop();
    this.writer.stop(error);
  }

  #changing(change: () => MaybePromise<void>): MaybePromise<void> {
    this.fence.check();
    this.#presence.changed();
    this.maintenance.changed();
    if (this.maintenance.isFull || this.#waiting > 0) return this.#changingLater(change);
    return change();
  }

  async #changingLater(change: () => MaybePromise<void>): Promise<void> {
    this.#waiting++;
    try {
      await this.maintenance.makeRoom();
    } catch (error) {
      return await this.#fail(error);
    } finally {
      this.#waiting--;
    }
    return change();
  }

  /** Throws the error, or `FENCED` where it is due to another writer. */
  async #fail(error: unknown): Promise<never> {
    throw await causeOf(error, this);
  }

  /** Throws once what is said of the volume is no longer this process's to say. */
  #checkOpen(): void {
    this.fence.check();
    if (this.#isEnded) throw new BlockError('DISCONNECTED', 'the volume was disconnected');
  }

  #lost(reason: unknown): void {
    this.abandon(reason as BlockError);
  }
}
