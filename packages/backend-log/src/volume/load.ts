import { BlockError } from '@blockyard/block';
import type { LogRoot } from '../format/root.js';
import { ObjectGone } from '../objects/object-gone.js';
import type { VolumeState } from '../state/volume-state.js';
import { LoadedState } from './loaded-state.js';
import { currentState } from './opening.js';
import { type ConnectLogOptions, type ConnectLogSettings, checkConnectOptions } from './options.js';
import { findAgain } from './still-current.js';
import { probeStore } from './store-probe.js';
import { type FoundVolume, findVolume, nameOf } from './volume-place.js';

/** Of the map's memory, so much is loaded: the rest is for what changes. */
const LOADED_SHARE = 0.5;

/** What is known of a volume before it is opened. */
export interface LoadedLog {
  /** For `connectLog`, as `loaded`. It is that device's from then on, or of no use. */
  readonly loaded: LoadedState;
  /** Takes in what was stored since. Rejects as opening the volume does, and with `NOT_FOUND` if it is another one now. */
  catchUp(): Promise<void>;
  /** Closes the store: nothing is caught up with any longer. */
  close(): void;
}

/**
 * Reads the map of a volume beside the writer that has it, changing nothing that counts, so that an opening that follows soon has
 * little to read. The store is its own from now on, and is closed if this rejects, as `connectLog` does.
 */
export async function loadLog(options: ConnectLogOptions): Promise<LoadedLog> {
  const settings = checkConnectOptions(options);
  try {
    const volume = await findVolume(settings);
    const [found, { conditionalPuts }] = await Promise.all([
      currentState(volume, settings),
      probeStore(volume, settings.allowUnsafeStore),
    ]);
    return await new Loading(volume, settings, conditionalPuts, found.found.root, found.state).begun();
  } catch (error) {
    settings.store.close();
    throw BlockError.from(error, { operation: 'connect', device: nameOf(settings) });
  }
}

class Loading implements LoadedLog {
  readonly #volume: FoundVolume;
  readonly #settings: ConnectLogSettings;
  readonly #conditionalPuts: boolean;
  #loaded: LoadedState;

  constructor(
    volume: FoundVolume,
    settings: ConnectLogSettings,
    conditionalPuts: boolean,
    root: LogRoot,
    state: VolumeState,
  ) {
    this.#volume = volume;
    this.#settings = settings;
    this.#conditionalPuts = conditionalPuts;
    this.#loaded = this.#of(root, state);
  }

  get loaded(): LoadedState {
    return this.#loaded;
  }

  async begun(): Promise<this> {
    await this.#loadRegions();
    return this;
  }

  async catchUp(): Promise<void> {
    try {
      const volume = await findAgain(this.#volume, this.#settings);
      const { found, state } = await currentState(volume, { ...this.#settings, loaded: this.#loaded });
      this.#loaded = this.#of(found.root, state);
      await this.#loadRegions();
    } catch (error) {
      throw BlockError.from(error, { operation: 'connect', device: nameOf(this.#settings) });
    }
  }

  close(): void {
    this.#settings.store.close();
  }

  #of(root: LogRoot, state: VolumeState): LoadedState {
    const { volumeKey } = this.#volume;
    return new LoadedState(state, { root, volumeKey, conditionalPuts: this.#conditionalPuts });
  }

  /** What is stored of the map, as far as there is room, and as the writer has not deleted it since. */
  async #loadRegions(): Promise<void> {
    const { map, regions } = this.#loaded.state;
    try {
      for (const region of [...regions.numbers()].sort((a, b) => a - b)) {
        if (map.byteLength > LOADED_SHARE * this.#settings.maxMapBytes) return;
        const range = await map.loadRange(region * map.regionSectors, map.regionSectors);
        range.release();
      }
    } catch (error) {
      if (!(error instanceof ObjectGone)) throw error;
    }
  }
}
