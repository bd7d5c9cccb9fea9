import { randomUUID } from 'node:crypto';
import { type BlockDevice, BlockError, type CacheStates, type Prefetching } from '@blockyard/block';
import { encodeText } from '../../wire/bytes.js';
import type { Mode } from '../../wire/mode.js';
import { CONTEXT_INSTANCE, STRING_BYTES_MAX, TransmissionFlag } from '../../wire/protocol.js';

/** One device under one name. */
export interface ExportOptions {
  readonly device: BlockDevice;
  /** Refuse every change, whatever the device allows. Default: what the device says. */
  readonly readOnly?: boolean;
  /** Shown to people by clients that list exports. */
  readonly description?: string;
}

export interface Export {
  readonly name: string;
  readonly device: BlockDevice;
  readonly description: string | undefined;
  /** Whether every change is refused. */
  readonly readOnly: boolean;
  readonly prefetching: Prefetching | undefined;
  readonly cacheStates: CacheStates | undefined;
}

/** The exports of a server by name. Names are names: nothing is ever looked up by them but this table. */
export class Exports {
  readonly #byName = new Map<string, Export>();
  readonly #default: string | undefined;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(exports: Readonly<Record<string, BlockDevice | ExportOptions>>, defaultName: string | undefined) {
    for (const [name, value] of Object.entries(exports)) this.#byName.set(name, makeExport(name, value));
    if (this.#byName.size === 0) throw new BlockError('INVALID_ARGUMENT', 'a server needs at least one export');
    if (defaultName !== undefined && !this.#byName.has(defaultName)) {
      throw new BlockError('INVALID_ARGUMENT', `the default export ${JSON.stringify(defaultName)} is no export`);
    }
    this.#default = defaultName;
  }

  /** Throws `INVALID_ARGUMENT`, and `ALREADY_EXISTS` if there is one of that name. */
  add(name: string, value: BlockDevice | ExportOptions): void {
    if (this.#byName.has(name)) {
      throw new BlockError('ALREADY_EXISTS', `there is an export ${JSON.stringify(name)} already`);
    }
    this.#byName.set(name, makeExport(name, value));
  }

  /** Takes one away, and gives it; the last one can be. Throws `NOT_FOUND`. */
  remove(name: string): Export {
    const entry = this.#byName.get(name);
    if (entry === undefined) throw new BlockError('NOT_FOUND', `there is no export ${JSON.stringify(name)}`);
    this.#byName.delete(name);
    return entry;
  }

  /** Puts back what was taken away. */
  restore(entry: Export): void {
    this.#byName.set(entry.name, entry);
  }

  /** Puts devices behind the same names. `hasAll`: they have all that was accepted by those before. */
  replace(deviceOf: (name: string) => BlockDevice | undefined, hasAll: boolean): void {
    for (const [name, entry] of this.#byName) {
      const device = deviceOf(name);
      if (device === undefined) continue;
      const { readOnly, description } = entry;
      const again = makeExport(name, { device, readOnly, ...(description === undefined ? {} : { description }) });
      if (hasAll) continueInstance(again, instanceOf(entry));
      this.#byName.set(name, again);
    }
  }

  facts(): readonly ExportFacts[] {
    return this.all().map(factsOf);
  }

  /** The devices have all that those had which clients were told of. */
  continueInstances(facts: readonly ExportFacts[]): void {
    for (const { name, instance } of facts) {
      const entry = this.#byName.get(name);
      if (entry !== undefined) continueInstance(entry, instance);
    }
  }

  /** The export of that name; the default one for the empty name. */
  find(name: string): Export | undefined {
    const found = this.#byName.get(name);
    if (found !== undefined || name !== '') return found;
    if (this.#default !== undefined) return this.#byName.get(this.#default);
    const [only, second] = this.#byName.values();
    return second === undefined ? only : undefined;
  }

  all(): readonly Export[] {
    return [...this.#byName.values()];
  }

  /** Each device once, with the names of its exports. */
  devices(): ReadonlyMap<BlockDevice, readonly string[]> {
    const names = new Map<BlockDevice, string[]>();
    for (const { device, name } of this.all()) names.set(device, [...(names.get(device) ?? []), name]);
    return names;
  }
}

export function sizeBytesOf({ device }: Export): number {
  return device.info.sizeSectors * device.info.sectorSize;
}

/** What the export offers, as the protocol's transmission flags. A flag is only set for what really works. */
export function transmissionFlags({ device, readOnly, prefetching }: Export, mode: Mode): number {
  const { HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES } = TransmissionFlag;
  const { SEND_DF, CAN_MULTI_CONN, SEND_CACHE, SEND_FAST_ZERO } = TransmissionFlag;
  // Every connection works on the one device, so what one flushes is flushed for all.
  let flags = HAS_FLAGS | SEND_FLUSH | SEND_FUA | CAN_MULTI_CONN;
  if (mode !== 'simple') flags |= SEND_DF;
  if (prefetching !== undefined) flags |= SEND_CACHE;
  if (readOnly) return flags | READ_ONLY;
  if (device.info.native.discard) flags |= SEND_TRIM;
  return flags | SEND_WRITE_ZEROES | SEND_FAST_ZERO;
}

/**
 * The block sizes that the export takes, in bytes: one at least, best the device's own preference as the next power of two,
 * `maxRequestBytes` at most. Clients that never ask send 512 bytes, whatever the device's sectors are.
 */
export function blockSizes({ device }: Export, maxRequestBytes: number): readonly [number, number, number] {
  const { sectorSize, preferredIoBytes } = device.info;
  let preferredBytes = Math.max(4096, sectorSize);
  while (preferredBytes < preferredIoBytes && preferredBytes < maxRequestBytes) preferredBytes *= 2;
  return [1, preferredBytes, maxRequestBytes];
}

const instances = new WeakMap<BlockDevice, string>();

/**
 * A name that no other device object has, of this or another process. Written data that was not flushed lives in the object; a
 * client that finds the same name after a lost connection knows that it is still there.
 */
export function instanceOf({ device }: Export): string {
  let instance = instances.get(device);
  if (instance === undefined) {
    instance = CONTEXT_INSTANCE + randomUUID();
    instances.set(device, instance);
  }
  return instance;
}

/** What clients were told of an export, and what another process has to keep to. */
export interface ExportFacts {
  readonly name: string;
  readonly sizeBytes: number;
  /** Transmission flags, with all that the richest mode has. */
  readonly flags: number;
  readonly instance: string;
}

function factsOf(entry: Export): ExportFacts {
  const flags = transmissionFlags(entry, 'structured');
  return { name: entry.name, sizeBytes: sizeBytesOf(entry), flags, instance: instanceOf(entry) };
}

/** What keeps the export from being what clients were told, if anything does. */
export function contradiction(entry: Export | undefined, { name, sizeBytes, flags }: ExportFacts): string | undefined {
  const what = `export ${JSON.stringify(name)}`;
  if (entry === undefined) return `${what} is no longer served`;
  const own = factsOf(entry);
  if (own.sizeBytes !== sizeBytes) return `${what} has ${own.sizeBytes} bytes, and clients were told ${sizeBytes}`;
  const { READ_ONLY, SEND_CACHE } = TransmissionFlag;
  if ((own.flags & READ_ONLY) !== (flags & READ_ONLY)) {
    return `${what} is ${entry.readOnly ? 'read-only' : 'writable'}, and clients were told otherwise`;
  }
  // CACHE is answered where there is no cache, too.
  return (flags & ~own.flags & ~SEND_CACHE) === 0 ? undefined : `${what} offers less than clients were told`;
}

/** The device takes the place of one whose writes are all durable: clients are told that it is the same. */
function continueInstance({ device }: Export, instance: string): void {
  instances.set(device, instance);
}

function makeExport(name: string, value: BlockDevice | ExportOptions): Export {
  checkText(name, 'export name');
  const options: ExportOptions = 'device' in value ? value : { device: value };
  const { device, description } = options;
  if (typeof device?.read !== 'function') {
    throw new BlockError('INVALID_ARGUMENT', `export ${JSON.stringify(name)} has no device`);
  }
  if (description !== undefined) checkText(description, 'description');
  return {
    name,
    device,
    description,
    readOnly: options.readOnly === true || device.info.readOnly,
    prefetching: has<Prefetching>(device, 'prefetch') ? device : undefined,
    cacheStates: has<CacheStates>(device, 'states') ? device : undefined,
  };
}

function has<T extends object>(device: object, method: keyof T): device is T {
  return typeof (device as Partial<T>)[method] === 'function';
}

function checkText(text: string, what: string): void {
  if (text.includes('\0') || encodeText(text).byteLength > STRING_BYTES_MAX) {
    throw new BlockError('INVALID_ARGUMENT', `${what} must be without NUL and at most ${STRING_BYTES_MAX} bytes long`);
  }
}
