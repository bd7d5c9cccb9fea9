import { isDeepStrictEqual } from 'node:util';
import type { VolumeKey } from '../encryption/volume-key.js';
import type { EpochSpan, LogRoot } from '../format/root.js';
import type { Sealing } from '../format/sealing.js';
import type { Places } from '../objects/places.js';
import type { StateParts, VolumeState } from '../state/volume-state.js';

/** By what a volume is read. */
interface VolumeParts extends Pick<StateParts, 'store'> {
  readonly places: Places;
  readonly sealing: Sealing;
}

/** What a state was made of: the checkpoint that it began with, and the spans of the segments that were replayed since. */
export interface LoadedFrom {
  readonly root: Pick<LogRoot, 'volumeId' | 'bases' | 'checkpoint' | 'epochs'>;
  readonly volumeKey: VolumeKey | undefined;
  readonly conditionalPuts: boolean;
}

/** The state of a volume that no device has: one that is opened soon begins with it, if it is of the same history. */
export class LoadedState {
  readonly state: VolumeState;
  readonly #from: LoadedFrom;

  constructor(state: VolumeState, from: LoadedFrom) {
    this.state = state;
    this.#from = from;
  }

  get volumeKey(): VolumeKey | undefined {
    return this.#from.volumeKey;
  }

  /** Whether the store was found to honour conditions. Where it does not, nothing is certain of segments that were replayed. */
  get conditionalPuts(): boolean {
    return this.#from.conditionalPuts;
  }

  /**
   * The state, as one of a volume whose root was read now, to be replayed on; undefined if that has another checkpoint, or its
   * segments up to here are of other writers, as after a rollback.
   */
  for({ store, places, sealing }: VolumeParts, root: LogRoot): VolumeState | undefined {
    const { state } = this;
    const { volumeId, bases, checkpoint, epochs } = this.#from.root;
    if (!this.conditionalPuts || root.volumeId !== volumeId) return undefined;
    if (!isDeepStrictEqual([root.bases, root.checkpoint], [bases, checkpoint])) return undefined;
    const first = (checkpoint?.through ?? 0) + 1;
    for (let number = first; number <= state.through; number++) {
      if (!isSameWriter(spanOf(root.epochs, number), spanOf(epochs, number))) return undefined;
    }
    state.regions.readFrom(store, places);
    for (const [name, opening] of state.openings) {
      const [base = 0, epoch = 0] = name.split('/').map(Number);
      sealing.addEpoch(places.volume(base).volumeId, epoch, opening);
    }
    return state;
  }
}

/** Where a replay finds the segment of that number. */
function spanOf(spans: readonly EpochSpan[], number: number): EpochSpan | undefined {
  return spans.find(({ end }) => end === null || number < end);
}

function isSameWriter(a: EpochSpan | undefined, b: EpochSpan | undefined): boolean {
  return a !== undefined && b !== undefined && a.base === b.base && a.epoch === b.epoch && a.opening === b.opening;
}
