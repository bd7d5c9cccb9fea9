import { BlockError, type Extent, isBlockError, type MaybePromise } from '@blockyard/block';
import { coalesce } from '@blockyard/block/async';
import type { CheckpointPlace, EpochSpan, LogRoot, SnapshotEntry } from '../format/root.js';
import { Reader } from '../reading/reader.js';
import { Readers } from '../reading/readers.js';
import { type ReplayLimits, replay } from '../recovery/replay.js';
import { loadState, type VolumeState } from '../state/volume-state.js';
import type { ConnectLogSettings } from './options.js';
import { type Current, findAgain, isSameCheckpoint, whileCurrent } from './still-current.js';
import type { FoundVolume } from './volume-place.js';

/** Times that a read is made again, since what it was about to fetch was cleaned away. */
const REFRESHES_MAX = 4;

/** A state that can be opened: a checkpoint and segments after it. */
interface Moment {
  readonly checkpoint: CheckpointPlace | null;
  readonly epochs: readonly EpochSpan[];
  readonly limits: ReplayLimits;
  /** The size then, where it is known. */
  readonly sizeSectors?: number;
}

type ViewSettings = Pick<
  ConnectLogSettings,
  | 'store'
  | 'prefix'
  | 'passphrase'
  | 'key'
  | 'snapshot'
  | 'atMs'
  | 'followMs'
  | 'maxMapBytes'
  | 'maxConcurrency'
  | 'clock'
>;

/** A volume, or its past, that is only read. Nothing is written to the store. */
export class LogView {
  readonly #settings: ViewSettings;
  #volume: FoundVolume;
  #state: VolumeState;
  #reader: Reader;
  #timer: unknown;
  #isEnded = false;

  private constructor(settings: ViewSettings, volume: FoundVolume, state: VolumeState) {
    this.#settings = settings;
    this.#volume = volume;
    this.#state = state;
    this.#reader = readerOf(volume, state, settings);
  }

  static async open(volume: FoundVolume, settings: ViewSettings): Promise<LogView> {
    const opened = await openAt(volume, settings);
    const view = new LogView(settings, opened.volume, opened.loaded);
    view.#follow();
    return view;
  }

  get state(): VolumeState {
    return this.#state;
  }

  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const reading = this.#reader.read(start, buffers);
    return reading?.catch((error: unknown) => this.#readAgain(error, start, buffers));
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#reader.extents(start, count).catch(async (error: unknown) => {
      await this.#refreshAfter(error);
      return this.#reader.extents(start, count);
    });
  }

  /** Takes in what the writer has stored since. */
  readonly refresh = coalesce(async () => {
    const { snapshot, atMs } = this.#settings;
    const volume = await findAgain(this.#volume, this.#settings);
    if (isSameCheckpoint(volume, this.#volume) && snapshot === undefined && atMs === undefined) {
      // The sealing of before knows the openings of the state's objects.
      const { found } = volume;
      await replay(this.#volume.replayParts, this.#state, found.root.epochs);
      this.#volume = { ...this.#volume, found };
      return;
    }
    const opened = await openAt(volume, this.#settings);
    this.#state = opened.loaded;
    this.#volume = opened.volume;
    this.#reader = readerOf(opened.volume, opened.loaded, this.#settings);
  });

  end(): void {
    this.#isEnded = true;
    if (this.#timer !== undefined) this.#settings.clock.clear(this.#timer);
  }

  async #readAgain(error: unknown, start: number, buffers: readonly Uint8Array[]): Promise<void> {
    let last = error;
    for (let refreshes = 0; refreshes < REFRESHES_MAX; refreshes++) {
      await this.#refreshAfter(last);
      try {
        return await this.#reader.read(start, buffers);
      } catch (next) {
        last = next;
      }
    }
    throw last;
  }

  /** The writer may have moved what was asked for. Any other failure is one. */
  async #refreshAfter(error: unknown): Promise<void> {
    if (!isBlockError(error, 'NOT_FOUND')) throw error;
    await this.refresh();
  }

  #follow(): void {
    const { clock, followMs } = this.#settings;
    if (followMs === 0 || this.#isEnded) return;
    this.#timer = clock.set(() => {
      // What fails now is tried again next time.
      void this.refresh()
        .catch(() => {})
        .then(() => this.#follow());
    }, followMs);
    clock.unref?.(this.#timer);
  }
}

function readerOf({ store, places }: FoundVolume, state: VolumeState, { maxConcurrency }: ViewSettings): Reader {
  return new Reader({ store, places, state, readers: new Readers(), maxConcurrency, unapplied: () => [] });
}

/** The state that is wanted, and the root that tells of it. */
function openAt(found: FoundVolume, settings: ViewSettings): Promise<Current<VolumeState>> {
  const load = (volume: FoundVolume) => stateAt(volume, settings);
  return settings.snapshot === undefined
    ? whileCurrent(found, settings, load)
    : whileCurrent(found, settings, load, () => true);
}

async function stateAt(volume: FoundVolume, settings: ViewSettings): Promise<VolumeState> {
  const { store, places, sealing, found, replayParts } = volume;
  const { checkpoint, epochs, limits, sizeSectors } = momentOf(found.root, settings, store.urlOf(settings.prefix));
  const state = await loadState({ store, places, sealing, maxMapBytes: settings.maxMapBytes }, found.root, checkpoint);
  await replay(replayParts, state, epochs, limits);
  if (sizeSectors !== undefined) state.sizeSectors = sizeSectors;
  return state;
}

/** `NOT_FOUND` if there is no such snapshot, or nothing is kept of that time. */
function momentOf(root: LogRoot, { snapshot, atMs }: Pick<ViewSettings, 'snapshot' | 'atMs'>, where: string): Moment {
  const { checkpoint, epochs, snapshots } = root;
  if (snapshot !== undefined) {
    const found = snapshots.find(({ name }) => name === snapshot);
    if (found === undefined) throw new BlockError('NOT_FOUND', `${where} has no snapshot ${JSON.stringify(snapshot)}`);
    return momentOfSnapshot(found);
  }
  if (atMs === undefined) return { checkpoint, epochs, limits: {} };
  // What was sealed after the checkpoint tells when. Of the time before it there are only snapshots.
  if ((checkpoint?.throughMs ?? 0) <= atMs) return { checkpoint, epochs, limits: { untilMs: atMs } };
  const before = snapshots.filter(({ created }) => Date.parse(created) <= atMs);
  const last = before.reduce<SnapshotEntry | undefined>(
    (a, b) => (a !== undefined && a.created > b.created ? a : b),
    undefined,
  );
  if (last === undefined) {
    throw new BlockError('NOT_FOUND', `${where}: nothing is kept of ${new Date(atMs).toISOString()}`);
  }
  return momentOfSnapshot(last);
}

function momentOfSnapshot({ checkpoint, epochs, through, sizeSectors }: SnapshotEntry): Moment {
  return { checkpoint, epochs, limits: { through }, sizeSectors };
}
