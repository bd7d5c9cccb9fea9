import { BlockError, isBlockError } from '@blockyard/block';
import type { ByteRange, OpenSink, Sink } from '../sink.js';
import type {
  Condition,
  DeleteResult,
  Deletion,
  GetResult,
  Listed,
  ListOptions,
  ObjectStore,
  ProbeOptions,
  PutResult,
  StoreAbilities,
  StoreDates,
} from '../store.js';
import type { Traffic } from '../traffic.js';
import type { ObjectVersion } from '../version.js';
import type { Fault, StoreRequest } from './fault.js';

/** A store over another one, whose requests fare as a test likes. It looks at nothing that was lost: the caller is to. */
export class FaultyStore implements ObjectStore {
  /** Every request so far, in their order. A test may empty it. */
  readonly requests: StoreRequest[] = [];
  /** Decides about each request as it comes; undefined lets it through. Replace it as the test goes on. */
  onRequest: (request: StoreRequest) => Fault | undefined = () => undefined;
  readonly #store: ObjectStore;
  /** Requests that were lost and are carried out later. As many as the test makes. */
  readonly #late = new Set<Promise<unknown>>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  get dates(): StoreDates {
    return this.#store.dates;
  }

  get traffic(): Traffic {
    return this.#store.traffic;
  }

  urlOf(key: string): string {
    return this.#store.urlOf(key);
  }

  get(key: string, range: ByteRange, open: OpenSink): Promise<GetResult> {
    return this.#run({ kind: 'get', key }, (fault) => {
      if (fault?.kind !== 'truncate') return this.#store.get(key, range, open);
      return this.#store.get(key, range, (version) => {
        const sink = open(version);
        return sink && new TruncatingSink(sink, fault.bytes, this.#lost({ kind: 'get', key }));
      });
    });
  }

  head(key: string): Promise<ObjectVersion | undefined> {
    return this.#run({ kind: 'head', key }, () => this.#store.head(key));
  }

  async put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult> {
    // What arrives late is what was sent: the caller may change its buffer meanwhile.
    const sent = new Uint8Array(body);
    const request: StoreRequest = { kind: 'put', key };
    try {
      return await this.#run(request, () => this.#store.put(key, sent, condition, stamp));
    } catch (error) {
      if (!isBlockError(error)) throw error;
      return { kind: 'failed', error, late: error instanceof LostReply };
    }
  }

  delete(objects: readonly Deletion[]): Promise<DeleteResult[]> {
    const keys = objects.map(({ key }) => key);
    return this.#run({ kind: 'delete', key: keys[0] ?? '', keys }, () => this.#store.delete(objects));
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<readonly Listed[], void> {
    const pages = this.#store.list(prefix, options);
    for (;;) {
      const page = await this.#run({ kind: 'list', key: prefix }, () => pages.next());
      if (page.done === true) return;
      yield page.value;
    }
  }

  /** Without faults. */
  probe(options: ProbeOptions): Promise<StoreAbilities> {
    return this.#store.probe(options);
  }

  close(): void {
    this.#store.close();
  }

  /** Resolves when every request that was lost, and was to be carried out, has been. */
  async idle(): Promise<void> {
    while (this.#late.size > 0) await Promise.allSettled(this.#late);
  }

  async #run<T>(request: StoreRequest, carryOut: (fault?: Fault) => Promise<T>): Promise<T> {
    this.requests.push(request);
    const fault = this.onRequest(request);
    switch (fault?.kind) {
      case undefined:
        return carryOut();
      case 'refuse':
        throw fault.error;
      case 'hold':
        await fault.until;
        return carryOut();
      case 'truncate':
        await carryOut(fault);
        throw this.#lost(request);
      case 'lose':
        if (fault.carriedOut === 'before') await carryOut();
        else if (fault.carriedOut !== 'never') this.#carryOutLater(fault.carriedOut.then(() => carryOut()));
        throw this.#lost(request);
    }
  }

  #carryOutLater(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.then(
      () => this.#late.delete(done),
      () => this.#late.delete(done),
    );
    this.#late.add(done);
  }

  #lost({ kind, key }: StoreRequest): LostReply {
    return new LostReply('UNAVAILABLE', `${kind.toUpperCase()} ${this.urlOf(key)}: the reply was lost`);
  }
}

/** A request of which the caller knows nothing. */
class LostReply extends BlockError {}

/** Lets so many bytes through. */
class TruncatingSink implements Sink {
  readonly #sink: Sink;
  readonly #error: BlockError;
  #leftBytes: number;

  constructor(sink: Sink, bytes: number, error: BlockError) {
    this.#sink = sink;
    this.#leftBytes = bytes;
    this.#error = error;
  }

  push(piece: Uint8Array): void {
    this.#sink.push(piece.subarray(0, this.#leftBytes));
    this.#leftBytes -= piece.byteLength;
    if (this.#leftBytes < 0) throw this.#error;
  }

  end(): void {
    throw this.#error;
  }
}
