import { type GetResult, type MemoryObject, MemoryStore, type PutResult } from '@blockyard/object-store';

export const OBJECT_BYTES = 8 << 20;

/** A store in which every object is there and has the same bytes: as many as a measurement likes, in little memory. */
export class UniformStore extends MemoryStore {
  constructor() {
    super({ objects: new EveryObject() });
  }

  /** In a later macrotask, as the answer of a store on a network comes. */
  override async get(...parameters: Parameters<MemoryStore['get']>): Promise<GetResult> {
    await new Promise(setImmediate);
    return super.get(...parameters);
  }

  /** Keeps nothing. */
  override async put(key: string, body: Uint8Array): Promise<PutResult> {
    this.traffic.sent('put', key, body.byteLength);
    return { kind: 'stored', etag: '"1"', late: false };
  }
}

/** What every object is. */
export const BODY = bodyOfAll();

function bodyOfAll(): Uint8Array {
  const body = new Uint8Array(OBJECT_BYTES);
  for (let at = 0; at < body.byteLength; at++) body[at] = Math.imul(at, 0x9e3779b1) >>> 24;
  return body;
}

class EveryObject extends Map<string, MemoryObject> {
  override get(): MemoryObject {
    return { etag: '"1"', sizeBytes: BODY.byteLength, stamp: 'one', body: BODY, modifiedMs: 0 };
  }
}
