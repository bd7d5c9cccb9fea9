import { type Condition, type MemoryObjects, MemoryStore, type PutResult } from '@blockyard/object-store';

/** A PUT that was sent, and may be carried out at any time. */
export interface SentPut {
  readonly key: string;
  readonly body: Uint8Array;
  readonly condition: Condition;
  readonly stamp: string;
}

/** A store in memory whose PUTs take some time, and are known while they are on their way. */
export class CrashingStore extends MemoryStore {
  readonly #onTheirWay: Set<SentPut>;

  constructor(objects: MemoryObjects, onTheirWay: Set<SentPut>) {
    super({ objects });
    this.#onTheirWay = onTheirWay;
  }

  override async put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult> {
    const sent: SentPut = { key, body: new Uint8Array(body), condition, stamp };
    this.#onTheirWay.add(sent);
    await new Promise((resolve) => setImmediate(resolve));
    this.#onTheirWay.delete(sent);
    return super.put(key, sent.body, condition, stamp);
  }
}

/** Carries out a PUT of a process that is gone. */
export async function carryOut(objects: MemoryObjects, { key, body, condition, stamp }: SentPut): Promise<void> {
  await new MemoryStore({ objects }).put(key, body, condition, stamp);
}
