import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@blockyard/block';
import { SECTOR_SIZE } from '../../inputs/settings.js';
import type { WireState } from '../server/calls.js';
import type { Setup } from '../setup/setup.js';
import { type LocalStore, startLocalStore } from '../store/local-store.js';

/** Where one volume lies. */
export interface Place {
  readonly uri: string;
  /** Whether it outlives the process that serves it. */
  readonly isLasting: boolean;
  /** Whether it is to be created before it can be opened. */
  readonly isCreated: boolean;
  /** Whether the wire to it is that of the process that serves it. */
  readonly hasWire: boolean;
  /** The folder that is all there is of it, where it has one. */
  readonly folder?: string;
}

/** Gives places for volumes, one after the other, in a folder and in a store that it starts when it is needed. */
export class Places {
  readonly #directory: string;
  readonly #clock: Clock;
  #store: Promise<LocalStore> | undefined;
  #wire: WireState = { latencyMs: 0, isCut: false };
  #count = 0;

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async next({ backend, layout }: Setup, sizeBytes: number): Promise<Place> {
    const name = `volume-${++this.#count}`;
    switch (backend) {
      case 'memory': {
        const uri = `memory:?size=${sizeBytes}&sector=${SECTOR_SIZE}`;
        return { uri, isLasting: false, isCreated: false, hasWire: true };
      }
      case 'file': {
        const folder = join(this.#directory, name);
        await mkdir(folder);
        const path = folder.split('/').map(encodeURIComponent).join('/');
        const uri = layout === 'log' ? `dir:${path}/log` : `file:${path}/disk.img?sector=${SECTOR_SIZE}`;
        return { uri, isLasting: true, isCreated: true, hasWire: true, folder };
      }
      case 's3': {
        this.#store ??= startLocalStore(this.#clock);
        const store = await this.#store;
        store.setWire(this.#wire);
        return { uri: store.uriOf(name, layout), isLasting: true, isCreated: true, hasWire: false };
      }
    }
  }

  /** Removes what a volume in a folder has left. */
  async remove({ folder }: Place): Promise<void> {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  /** What a process needs in its environment to open what lies in the store. */
  async env(): Promise<NodeJS.ProcessEnv> {
    return (await this.#store)?.env ?? {};
  }

  async setWire(state: WireState): Promise<void> {
    this.#wire = state;
    (await this.#store)?.setWire(state);
  }

  async stop(): Promise<void> {
    const store = await this.#store?.catch(() => undefined);
    await store?.stop();
  }
}
