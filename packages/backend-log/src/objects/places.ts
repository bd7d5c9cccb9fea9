import { invariant } from '@blockyard/block';
import { type DataName, dataKey, type MapName, mapKey } from '../format/keys.js';
import type { Base } from '../format/root.js';
import type { Identity, Sealer, Sealing } from '../format/sealing.js';
import { identityOfData } from '../format/segment.js';

/** An object that may be a base's. */
export type Based<T> = T & { readonly base: number };

/** A volume of the store. */
type Place = Pick<Base, 'volumeId' | 'prefix'>;

/** Where the objects of a volume and of its bases are, and how each is sealed. */
export class Places {
  readonly #volumes: readonly Place[];
  readonly #sealing: Sealing;

  constructor(own: Place, bases: readonly Place[], sealing: Sealing) {
    this.#volumes = [own, ...bases];
    this.#sealing = sealing;
  }

  get own(): Place {
    return this.volume(0);
  }

  /** 0: this volume. */
  volume(base: number): Place {
    const volume = this.#volumes[base];
    invariant(volume !== undefined, 'an object belongs to a volume that the root names');
    return volume;
  }

  dataKey(name: Based<DataName>): string {
    return dataKey(this.volume(name.base).prefix, name);
  }

  mapKey(name: Based<MapName>): string {
    return mapKey(this.volume(name.base).prefix, name);
  }

  dataIdentity(name: Based<DataName>): Identity {
    return identityOfData(this.volume(name.base).volumeId, name);
  }

  dataSealer(name: Based<DataName>): Sealer {
    return this.#sealing.sealerOf(this.dataIdentity(name));
  }

  mapSealer({ base, generation, part, epoch }: Based<MapName>): Sealer {
    const { volumeId } = this.volume(base);
    return this.#sealing.sealerOf({ volumeId, kind: 'map', number: generation, part, epoch });
  }
}
