import type { Change } from './change.js';

/** When a change was seen by another process, which tells that it has taken place whatever its caller knows. */
interface Sighting {
  /** The state that was seen may be of this moment, and of none before. */
  readonly at: number;
  /** The moment of the sighting itself. */
  readonly by: number;
}

/** A sector, or the size of the device. A change of several takes place in each on its own. */
export type Place = number | 'size';

/** A change of one place. */
export type PlacedChange = readonly [Place, Change];

/** Changes that another process has seen. All that is seen later has them. */
export class Seen {
  readonly #places = new Map<Place, Map<Change, Sighting>>();

  add([place, change]: PlacedChange, sighting: Sighting): void {
    let sightings = this.#places.get(place);
    if (sightings === undefined) {
      sightings = new Map();
      this.#places.set(place, sightings);
    }
    const before = sightings.get(change);
    if (before === undefined || before.at > sighting.at) sightings.set(change, sighting);
  }

  /** The change, in that place, as one that had been accepted by then. */
  accepted<C extends Change>(place: Place, change: C): C {
    const sighting = this.#places.get(place)?.get(change);
    if (sighting === undefined || change.mayComeLate) return change;
    const settledAt = Math.min(change.settledAt, sighting.by);
    return { ...change, settledAt, acceptedAt: Math.min(change.acceptedAt, sighting.at) };
  }

  /** `to` stands for `from` now. */
  move(place: Place, from: Change, to: Change): void {
    const sightings = this.#places.get(place);
    const sighting = sightings?.get(from);
    if (sighting === undefined) return;
    sightings?.delete(from);
    sightings?.set(to, sighting);
  }

  clear(): void {
    this.#places.clear();
  }
}
