import { MemoryStore, newId } from '@blockyard/object-store';
import { FaultyStore } from '@blockyard/object-store/faults';
import { Fence } from '../fence.js';
import type { Holder } from '../holder.js';
import { type OwnedRoot, putRoot, type RootFormat, type RootPlace, readRoot } from '../root-format.js';
import { RootObject } from '../root-object.js';
import { checkRootText, encodeRootText, ownedFieldsOf, parseRoot, type RootShape } from '../root-text.js';
import { claimOver } from '../take-over.js';
import { TestClock } from './clock.js';

/** A root with a field that the writer alone changes, and one that everyone may. */
export interface TestRoot extends OwnedRoot {
  readonly sizeSectors: number;
  readonly snapshots: readonly string[];
}

const OWNED = ['volumeId', 'writerEpoch', 'opening', 'holder', 'isDeleted', 'changeId'];
export const SHAPE: RootShape = {
  layout: 'test',
  names: ['format', 'version', 'layout', ...OWNED, 'sizeSectors', 'snapshots', 'check'],
  optionalNames: ['isDeleted'],
};

/** Roots that no one but the writer changes. */
export const ALONE: RootFormat<TestRoot> = {
  maxBytes: 16_384,
  encode: (root) => encodeRootText(root, SHAPE),
  decode: (bytes, where) => {
    const text = parseRoot(bytes, where);
    checkRootText(text.fields, SHAPE, where);
    const { sizeSectors, snapshots } = text.fields as { sizeSectors: number; snapshots: string[] };
    return { ...ownedFieldsOf(text, where), sizeSectors, snapshots };
  },
  stampOf: ({ volumeId, writerEpoch, changeId }) => `${volumeId}/${writerEpoch}/${changeId}`,
};

/** Roots whose snapshots others change too. */
export const SHARED: RootFormat<TestRoot> = { ...ALONE, merge: (mine, { snapshots }) => ({ ...mine, snapshots }) };

const KEY = 'disks/a/volume.json';
const LEASE_MS = 3000;

/** A volume in memory, and processes that have it open. */
export class TestVolume {
  readonly clock = new TestClock();
  /** Through which the processes under test go. */
  readonly store: FaultyStore;
  readonly #format: RootFormat<TestRoot>;
  /** Through which others go, unseen by `store`. */
  readonly #others: RootPlace<TestRoot>;

  constructor(format: RootFormat<TestRoot>) {
    const store = new MemoryStore({ wallMs: () => this.clock.wallMs() });
    this.store = new FaultyStore(store);
    this.#format = format;
    this.#others = { store, key: KEY, format };
  }

  async create(): Promise<void> {
    const root = { volumeId: newId(), writerEpoch: 0, opening: null, holder: null, changeId: newId() };
    await this.put({ ...root, sizeSectors: 1, snapshots: [] });
  }

  /** For the processes under test. */
  get place(): RootPlace<TestRoot> {
    return { store: this.store, key: KEY, format: this.#format };
  }

  async open(): Promise<RootObject<TestRoot>> {
    const { place } = this;
    const fence = new Fence(async () => undefined);
    return new RootObject({ ...place, clock: this.clock, fence }, await readRoot(place));
  }

  /** The root object of a process that has taken the volume over. */
  async takeOver(): Promise<RootObject<TestRoot>> {
    const root = await this.open();
    await root.takeOver(this.holder());
    return root;
  }

  holder(): Holder {
    return claimOver(null, LEASE_MS, this.clock).holder;
  }

  /** What the store has. */
  async stored(): Promise<TestRoot> {
    return (await readRoot(this.#others)).root;
  }

  /** Puts a root there, whatever is there. */
  async put(root: TestRoot): Promise<void> {
    await putRoot(this.#others, root, 'any');
  }

  /** A change that another process makes. */
  async changeElsewhere(change: Partial<TestRoot>): Promise<void> {
    await this.put({ ...(await this.stored()), ...change, changeId: newId() });
  }

  /** Kinds of the requests of the processes under test since the last call. */
  requests(): string[] {
    return this.store.requests.splice(0).map(({ kind }) => kind);
  }
}
