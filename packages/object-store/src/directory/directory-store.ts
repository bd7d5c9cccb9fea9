import { pathToFileURL } from 'node:url';
import { BlockError, fromErrno, isBlockError } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import { checkKey, checkStamp } from '../keys.js';
import { pagesOf } from '../list.js';
import { LocalDates } from '../local-dates.js';
import { withScratch } from '../scratch.js';
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
} from '../store.js';
import { type ClassOf, TrafficCounter } from '../traffic.js';
import type { ObjectVersion } from '../version.js';
import type { FileLock } from './lock.js';
import { type Found, type ObjectFiles, type OpenObject, readAll } from './object-files.js';

/** Bytes that are read at once, and given to a sink. */
const PIECE_BYTES = 1 << 18;

/** Objects of a page of a listing that are looked at at once. */
const MAX_LOOKS = 16;

export interface DirectoryStoreParts {
  readonly path: string;
  readonly files: ObjectFiles;
  readonly lock: FileLock;
  readonly wallMs: () => number;
  readonly classOf: ClassOf | undefined;
}

/** Where the bytes of a range go. */
interface Pouring {
  readonly key: string;
  readonly range: ByteRange;
  readonly sink: Sink;
}

/** A store in a directory. See the README for what is where. */
export class DirectoryStore implements ObjectStore {
  readonly dates: LocalDates;
  readonly traffic: TrafficCounter;
  readonly #url: string;
  readonly #files: ObjectFiles;
  readonly #lock: FileLock;
  #isClosed = false;

  constructor({ path, files, lock, wallMs, classOf }: DirectoryStoreParts) {
    this.traffic = new TrafficCounter(classOf);
    this.dates = new LocalDates(wallMs);
    this.#url = `${pathToFileURL(path).href.replace(/\/$/, '')}/`;
    this.#files = files;
    this.#lock = lock;
  }

  urlOf(key: string): string {
    return this.#url + key;
  }

  get(key: string, range: ByteRange, open: OpenSink): Promise<GetResult> {
    const what = `GET ${this.urlOf(key)}`;
    return this.#run(what, async () => {
      this.traffic.sent('get', key);
      const found = await this.#files.open(key);
      this.dates.answered(key, found?.modifiedMs);
      if (found === undefined) return undefined;
      try {
        if (range.offset >= found.version.sizeBytes) return 'beyond';
        const sink = open(found.version);
        if (sink !== undefined) await this.#pour(found, { key, range, sink }, what);
        return found.version;
      } finally {
        await found.file.close();
      }
    });
  }

  head(key: string): Promise<ObjectVersion | undefined> {
    return this.#run(`HEAD ${this.urlOf(key)}`, async () => {
      this.traffic.sent('head', key);
      const found = await this.#files.find(key);
      this.dates.answered(key, found?.modifiedMs);
      return found?.version;
    });
  }

  async put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult> {
    const what = `PUT ${this.urlOf(key)}`;
    let isWritten = false;
    try {
      this.#throwIfClosed(what);
      checkKey(key);
      checkStamp(stamp);
      this.traffic.sent('put', key, body.byteLength);
      await this.#files.prepare(key);
      const { path, etag } = await this.#files.write(key, body, stamp);
      isWritten = true;
      try {
        const found = await this.#give(path, key, condition, what);
        this.dates.answered(key);
        if (found !== 'done' && found.version?.stamp !== stamp)
          return { kind: 'lost', found: found.version, late: false };
        // Ours, of before, if it was found: its name may not be durable yet.
        await this.#files.sync([key]);
        return { kind: 'stored', etag: found === 'done' ? etag : (found.version?.etag ?? etag), late: false };
      } finally {
        await this.#files.remove(path);
      }
    } catch (error) {
      // A failure of the system while the object gets its name leaves open whether it has it, and for good.
      return { kind: 'failed', error: fromErrno(error, { what }), late: isWritten && !isBlockError(error) };
    }
  }

  delete(objects: readonly Deletion[]): Promise<DeleteResult[]> {
    const what = `DELETE ${objects.length} objects, first ${this.urlOf(objects[0]?.key ?? '')}`;
    return this.#run(what, async () => {
      this.traffic.sent('delete', objects[0]?.key ?? '');
      const results: DeleteResult[] = [];
      const deleteAll = async () => {
        for (const { key, etag } of objects) results.push(await this.#delete(key, etag));
      };
      await this.#lock.run(deleteAll, () => this.#throwIfClosed(what));
      await this.#files.sync(objects.map(({ key }) => key));
      this.dates.answered();
      return results;
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly Listed[], void> {
    const what = `LIST ${this.urlOf(prefix)}`;
    const keys = await this.#run(what, () => this.#files.keys(prefix));
    for (const page of pagesOf(keys, options, what)) {
      yield await this.#run(what, async () => {
        this.traffic.sent('list', prefix);
        this.dates.answered();
        return this.#lookAt(page);
      });
    }
  }

  /** The file system is asked for what it must do: names that one process alone can make. */
  async probe({ scratchPrefix, whileScratchExists }: ProbeOptions): Promise<StoreAbilities> {
    await withScratch(this, scratchPrefix, whileScratchExists);
    return { conditionalPuts: true, conditionalDeletes: true, refusal: undefined };
  }

  close(): void {
    this.#isClosed = true;
  }

  async #pour(found: OpenObject, { key, range, sink }: Pouring, what: string): Promise<void> {
    const { offset, lengthBytes } = range;
    const end = Math.min(offset + lengthBytes, found.version.sizeBytes);
    const buffer = Buffer.alloc(Math.min(PIECE_BYTES, end - offset));
    for (let at = offset; at < end; at += buffer.byteLength) {
      const piece = buffer.subarray(0, Math.min(buffer.byteLength, end - at));
      if ((await readAll(found.file, piece, found.bodyOffset + at)) < piece.byteLength) {
        throw new BlockError('CORRUPT', `${what}: the file is shorter than it was`);
      }
      this.traffic.received(key, piece.byteLength);
      sink.push(piece);
      this.#throwIfClosed(what);
    }
    sink.end();
  }

  /** Gives what was written the name of the object, if the condition holds; if not, tells which version has it, if any. */
  async #give(path: string, key: string, condition: Condition, what: string): Promise<'done' | Found> {
    if (condition === 'absent') {
      const version = await this.#files.create(path, key);
      return version === undefined ? 'done' : { version };
    }
    return this.#lock.run(
      () => this.#files.replace(path, key, condition),
      () => this.#throwIfClosed(what),
    );
  }

  async #delete(key: string, etag: string | undefined): Promise<DeleteResult> {
    try {
      return await this.#files.delete(key, etag);
    } catch (error) {
      return fromErrno(error, { what: `DELETE ${this.urlOf(key)}` });
    }
  }

  /** What a listing says of these keys. Those that were deleted meanwhile are left out. */
  async #lookAt(keys: readonly string[]): Promise<Listed[]> {
    const found: (Listed | undefined)[] = [];
    await forEachParallel(keys.entries(), { maxConcurrency: MAX_LOOKS }, async ([number, key]) => {
      const object = await this.#files.look(key);
      if (object !== undefined) found[number] = { key, ...object };
    });
    return found.filter((object) => object !== undefined);
  }

  async #run<T>(what: string, task: () => Promise<T>): Promise<T> {
    this.#throwIfClosed(what);
    try {
      return await task();
    } catch (error) {
      throw fromErrno(error, { what });
    }
  }

  #throwIfClosed(what: string): void {
    if (this.#isClosed) throw new BlockError('DISCONNECTED', `${what}: the store was closed`);
  }
}
