import { BlockError, type Extent, type Fragment, type MaybePromise } from '@blockyard/block';
import { coalesce } from '@blockyard/block/async';
import type { CheckpointPlace, EpochSpan, LogRoot, SnapshotEntry } from '../format/root.js';
import { ObjectGone } from '../objects/object-gone.js';
import { Reader } from '../reading/reader.js';
import { Readers } from '../reading/readers.js';
import { type StoredRun, storedRuns } from '../reading/stored-runs.js';
import { type ReplayLimits, replay } from '../recovery/replay.js';
import { loadState, type VolumeState } from '../state/volume-state.js';
import type { ConnectLogSettings } from './options.js';
import { Patience } from './patience.js';
import { type Current, findAgain, isSameCheckpoint, mayBeGone, outrun, whileCurrent } from './still-current.js';
import type { FoundVolume } from './volume-place.js';

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
    const by = this.#changeId;
    const reading = this.#reader.read(start, buffers);
    return reading?.catch((error: unknown) => this.#again(error, by, async () => this.#reader.read(start, buffers)));
  }

  extents(start: number, count: number): Promise<Extent[]> {
    const by = this.#changeId;
    const telling = this.#reader.extents(start, count);
    return telling.catch((error: unknown) => this.#again(error, by, () => this.#reader.extents(start, count)));
  }

  fragments(start: number, count: number): Fragment[] | undefined {
    return this.#reader.fragments(start, count);
  }

  storedRuns(start: number, count: number): Generator<StoredRun | undefined, void, undefined> {
    return storedRuns(this.#state, this.#volume.places, start, count);
  }

  /** Takes in what the writer has stored since. */
  readonly refresh = coalesce(async () => {
    const { snapshot, atMs } = this.#settings;
    const volume = await findAgain(this.#volume, this.#settings);
    const isNow = snapshot === undefined && atMs === undefined;
    if (isNow && isSameCheckpoint(volume, this.#volume) && (await this.#goOn(volume))) return;
    const opened = await openAt(volume, this.#settings, isNow ? this.#state.through : 0);
    this.#state = opened.loaded;
    this.#volume = opened.volume;
    this.#reader = readerOf(opened.volume, opened.loaded, this.#settings);
  });

  end(): void {
    this.#isEnded = true;
    if (this.#timer !== undefined) this.#settings.clock.clear(this.#timer);
  }

  /** Takes in the segments that follow on what is known. False: some of them are gone, since there is a newer checkpoint. */
  async #goOn({ found }: FoundVolume): Promise<boolean> {
    try {
      // The sealing of before knows the openings of the state's objects.
      await replay(this.#volume.replayParts, this.#state, found.root.epochs);
    } catch (error) {
      if (mayBeGone(error)) return false;
      throw error;
    }
    this.#volume = { ...this.#volume, found };
    return true;
  }

  /** Identifies the root that reads go by now. */
  get #changeId(): string {
    return this.#volume.found.root.changeId;
  }

  /**
   * Repeats a read that found an object gone, by the newest root: the writer may have moved what was asked for. If the root is still
   * `by`, by which the failed read went, the object is missing, and the read fails. Any other failure is not repeated.
   */
  async #again<T>(error: unknown, by: string, ask: () => Promise<T>): Promise<T> {
    const patience = new Patience(this.#settings.clock);
    let failure = error;
    let askedBy = by;
    for (;;) {
      if (!(failure instanceof ObjectGone)) throw failure;
      await this.refresh();
      if (this.#changeId === askedBy) throw failure;
      askedBy = this.#changeId;
      try {
        return await ask();
      } catch (next) {
        failure = next;
      }
      if (!(await patience.isLeft())) throw outrun(this.#settings, failure);
    }
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

/** The state that is wanted, and the root that tells of it. The state of now goes on from segment `minThrough` at least. */
function openAt(found: FoundVolume, settings: ViewSettings, minThrough = 0): Promise<Current<VolumeState>> {
  const load = (volume: FoundVolume, limits: ReplayLimits) => stateAt(volume, settings, limits);
  const isFinal = settings.snapshot === undefined ? undefined : () => true;
  return whileCurrent(found, { place: settings, clock: settings.clock, load, minThrough, ...(isFinal && { isFinal }) });
}

async function stateAt(volume: FoundVolume, settings: ViewSettings, limits: ReplayLimits): Promise<VolumeState> {
  const { store, places, sealing, found, replayParts } = volume;
  const { checkpoint, epochs, sizeSectors, ...moment } = momentOf(found.root, settings, store.urlOf(settings.prefix));
  const { maxMapBytes, clock } = settings;
  const state = await loadState({ store, places, sealing, maxMapBytes, clock }, found.root, checkpoint);
  await replay(replayParts, state, epochs, { ...limits, ...moment.limits });
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
