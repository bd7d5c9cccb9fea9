import type { Semaphore, SerialQueue } from '@blockyard/block/async';
import type { ObjectStore } from '@blockyard/object-store';
import type { Fence, RootObject } from '@blockyard/volume-root';
import type { Geometry } from '../layout/geometry.js';
import type { Root } from '../root/root.js';
import type { DataObjects } from './data-objects.js';
import type { ObjectFormat } from './format.js';
import type { Guard } from './guard.js';
import type { ImageFacts } from './image.js';
import type { KnownObjects } from './known-objects.js';

/** What the reader and the writer of an open volume share. */
export interface VolumeParts {
  readonly store: ObjectStore;
  /** Whether the store looks at conditions. */
  readonly conditionalPuts: boolean;
  readonly objects: DataObjects;
  readonly geometry: Geometry;
  readonly format: ObjectFormat;
  readonly imageFacts: ImageFacts;
  readonly root: RootObject<Root>;
  readonly known: KnownObjects;
  /** One change, or one final look, at a time for each object. */
  readonly locks: SerialQueue<number>;
  readonly reads: Semaphore;
  /** For changes, each of which holds an object in memory. */
  readonly writes: Semaphore;
  readonly fence: Fence;
  readonly guard: Guard;
}
