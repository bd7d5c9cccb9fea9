import { BlockError } from '@blockyard/block';
import {
  claimOver,
  Fence,
  type FoundRoot,
  findHolder,
  type HolderState,
  holderStateOf,
  RootObject,
  readRoot,
  refuseIfHeld,
} from '@blockyard/volume-root';
import type { EpochSpan, LogRoot, SnapshotEntry } from '../format/root.js';
import { fenceOff } from '../recovery/fence-off.js';
import { replay } from '../recovery/replay.js';
import { loadState, type VolumeState } from '../state/volume-state.js';
import type { ConnectLogSettings } from './options.js';
import { Patience } from './patience.js';
import { causeOf } from './replaced.js';
import { mayBeGone } from './still-current.js';
import { probeStore } from './store-probe.js';
import { tierAtOpening } from './tier-mark.js';
import type { FoundVolume } from './volume-place.js';

export interface OpenedVolume extends Pick<FoundVolume, 'store' | 'prefix' | 'places' | 'sealing' | 'reader'> {
  readonly root: RootObject<LogRoot>;
  readonly fence: Fence;
  readonly state: VolumeState;
  /** Segments that were replayed. */
  readonly segmentsBehind: number;
  readonly epoch: number;
  readonly opening: string;
  /** Whether the store honours create-if-absent, by which a flush needs no look at the root. */
  readonly conditionalPuts: boolean;
}

/** Who has the volume open for writing, as its root told it just now. */
export function holderOf(
  { store, found }: FoundVolume,
  { clock }: Pick<ConnectLogSettings, 'clock'>,
): HolderState | null {
  return holderStateOf(found.root, store.dates.watched, clock);
}

/**
 * Makes this process the writer, with the state after all segments that count. `LOCKED` if another one has it and is alive, and
 * it is not to be taken over; `TIER_MISSING` if it has a tier that is not expected, and the loss is not accepted.
 */
export async function openForWriting(volume: FoundVolume, settings: ConnectLogSettings): Promise<OpenedVolume> {
  const { store, places, sealing, place, replayParts } = volume;
  const { clock, takeOver, allowUnsafeStore } = settings;
  const held = holderOf(volume, settings);
  if (!takeOver) refuseIfHeld(held, store.urlOf(place.key));
  const withTier = tierAtOpening(settings, store.urlOf(place.key));
  withTier(volume.found.root);
  const fence = new Fence(() => findHolder(place, clock));
  // What can go wrong is tried before an earlier writer is fenced.
  const [{ found, state: before }, { conditionalPuts }] = await Promise.all([
    currentState(volume, settings),
    settings.loaded ?? probeStore(volume, allowUnsafeStore),
  ]);
  const root = new RootObject({ ...place, fence, clock }, found);
  const { holder } = claimOver(held, 0, clock);
  await root.takeOver(holder, (current) => ownSpanOnceEnded(withTier(current)));
  try {
    const { epoch, opening } = ownEpoch(root.root);
    // A checkpoint that the earlier writer made meanwhile may have let segments go that follow on the one before.
    const isCurrent = root.root.checkpoint?.generation === found.root.checkpoint?.generation;
    const state = isCurrent ? before : await stateOf(volume, root.root, settings);
    if (isUnended(root.root)) {
      const wallMs = () => Math.trunc(clock.wallMs?.() ?? Date.now());
      const parts = { ...replayParts, store, conditionalPuts, opening, wallMs };
      const from = await fenceOff(parts, state, root.root.epochs);
      await root.change((current) => withOwnSpan(current, from));
    }
    state.generation = Math.max(state.generation, ...root.root.snapshots.map(generationOf));
    sealing.addEpoch(root.root.volumeId, epoch, opening);
    state.openings.set(`0/${epoch}`, opening);
    const segmentsBehind = state.through - (root.root.checkpoint?.through ?? 0);
    const { prefix, reader } = volume;
    return {
      store,
      prefix,
      places,
      sealing,
      reader,
      root,
      fence,
      state,
      segmentsBehind,
      epoch,
      opening,
      conditionalPuts,
    };
  } catch (error) {
    const reason = await causeOf(error, { root, fence });
    await root.giveBack();
    throw reason;
  }
}

/**
 * The state that the root tells of, read anew where the writer that has the volume has let go meanwhile of what the one before
 * referred to.
 */
export async function currentState(
  volume: FoundVolume,
  settings: Pick<ConnectLogSettings, 'clock' | 'maxMapBytes' | 'loaded'>,
): Promise<{ readonly found: FoundRoot<LogRoot>; readonly state: VolumeState }> {
  const { place, store } = volume;
  const patience = new Patience(settings.clock);
  for (let { found } = volume; ; ) {
    try {
      return { found, state: await stateOf(volume, found.root, settings) };
    } catch (error) {
      const next = mayBeGone(error) ? await readRoot(place) : found;
      if (next.root.changeId === found.root.changeId || !(await patience.isLeft())) throw error;
      if (next.root.writerEpoch !== found.root.writerEpoch) {
        throw new BlockError('LOCKED', `another writer opened ${store.urlOf(place.key)} at the same moment`);
      }
      found = next;
    }
  }
}

/** The state after all segments that follow on the checkpoint of that root, as far as they are there. */
export async function stateOf(
  volume: FoundVolume,
  root: LogRoot,
  { maxMapBytes, clock, loaded }: Pick<ConnectLogSettings, 'maxMapBytes' | 'clock' | 'loaded'>,
): Promise<VolumeState> {
  const { store, places, sealing, replayParts } = volume;
  const parts = { store, places, sealing, maxMapBytes, clock };
  const state = loaded?.for(volume, root) ?? (await loadState(parts, root, root.checkpoint));
  await replay(replayParts, state, root.epochs);
  return state;
}

/** With the takeover itself, where the last writer said where its span ends. Nothing need be fenced then. */
function ownSpanOnceEnded(root: LogRoot): LogRoot {
  const last = root.epochs.at(-1);
  if (last?.end === null) return root;
  return withOwnSpan(root, last?.end ?? (root.checkpoint?.through ?? 0) + 1);
}

/** Whether the span of an earlier writer is not known to have ended. */
function isUnended({ epochs, writerEpoch }: LogRoot): boolean {
  const last = epochs.at(-1);
  return last === undefined || last.base !== 0 || last.epoch !== writerEpoch;
}

/**
 * Snapshots of a checkpoint whose root was lost again have a later one than the root has. No other checkpoint takes its generation:
 * by that alone objects are known that a snapshot needs.
 */
function generationOf({ checkpoint }: SnapshotEntry): number {
  return checkpoint?.generation ?? 0;
}

/** The last span ends where the writer's own begins. */
function withOwnSpan(root: LogRoot, from: number): LogRoot {
  const { epoch, opening } = ownEpoch(root);
  const ended: EpochSpan[] = root.epochs
    .map((span) => (span.end === null ? { ...span, end: from } : span))
    // There is nothing to replay of one that nothing was stored in, and any number of them may follow on one another.
    .filter((span) => span.end !== span.from);
  return { ...root, epochs: [...ended, { base: 0, epoch, opening, from, end: null }] };
}

function ownEpoch({ writerEpoch, opening }: LogRoot): { readonly epoch: number; readonly opening: string } {
  if (opening === null) throw new BlockError('CORRUPT', 'the root has a writer without an opening');
  return { epoch: writerEpoch, opening };
}

/** Leaves the volume to the next one: no one has it, and its segments end before number `end`. */
export function closeVolume(root: RootObject<LogRoot>, end: number): Promise<void> {
  return root.giveBack((current) => ({
    ...current,
    epochs: current.epochs.map((span, at) => (at === current.epochs.length - 1 ? { ...span, end } : span)),
  }));
}
