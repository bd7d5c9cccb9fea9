import { BlockError } from '@blockyard/block';

/** Two kinds of objects hold data: segments of the log, and what the cleaner wrote. */
export type DataKind = 'log' | 'pack';

/**
 * An object of data within a volume: twice its number, plus one for a pack. Numbers begin at 1, so that 0 is no object.
 *
 * It fits 40 bits.
 */
export type ObjectId = number;

/** Stands where there is no object: what reads as zeroes. */
export const NO_OBJECT: ObjectId = 0;

export const NUMBER_MAX = 2 ** 39 - 1;
/** Slots of an object are numbered from 0 to here. */
export const SLOT_MAX = 2 ** 24 - 1;
export const EPOCH_MAX = 2 ** 32 - 1;

const NUMBER_DIGITS = 12;
const EPOCH_DIGITS = 8;
const PART_DIGITS = 4;

export function objectIdOf(kind: DataKind, number: number): ObjectId {
  return number * 2 + (kind === 'log' ? 0 : 1);
}

export function kindOf(object: ObjectId): DataKind {
  return object % 2 === 0 ? 'log' : 'pack';
}

export function numberOf(object: ObjectId): number {
  return Math.floor(object / 2);
}

/** An object of data and the epoch of the writer that stored it. No two objects of a volume have the same. */
export interface DataName {
  readonly object: ObjectId;
  readonly epoch: number;
}

/** An object of a checkpoint: part of a generation. */
export interface MapName {
  readonly generation: number;
  readonly epoch: number;
  readonly part: number;
}

/** `<prefix>/log/<number>-<epoch>` or `<prefix>/pack/<number>-<epoch>`, in hexadecimal digits. */
export function dataKey(prefix: string, { object, epoch }: DataName): string {
  return `${prefix}/${kindOf(object)}/${hex(numberOf(object), NUMBER_DIGITS)}-${hex(epoch, EPOCH_DIGITS)}`;
}

/** `<prefix>/map/<generation>-<epoch>-<part>`, in hexadecimal digits. */
export function mapKey(prefix: string, { generation, epoch, part }: MapName): string {
  return `${prefix}/map/${hex(generation, NUMBER_DIGITS)}-${hex(epoch, EPOCH_DIGITS)}-${hex(part, PART_DIGITS)}`;
}

export function rootKey(prefix: string): string {
  return `${prefix}/volume.json`;
}

export function dataPrefix(prefix: string, kind: DataKind): string {
  return `${prefix}/${kind}/`;
}

export function mapPrefix(prefix: string): string {
  return `${prefix}/map/`;
}

export function probePrefix(prefix: string): string {
  return `${prefix}/probe-`;
}

/** Where the pins of a snapshot are: one object for each clone. */
export function pinPrefix(prefix: string, snapshot: string): string {
  return `${prefix}/snapshots/${snapshot}/pins/`;
}

const DATA_NAME = /^(log|pack)\/([0-9a-f]{12})-([0-9a-f]{8})$/;
const MAP_NAME = /^map\/([0-9a-f]{12})-([0-9a-f]{8})-([0-9a-f]{4})$/;

/** What a key names, or undefined for any other. */
export function parseDataKey(prefix: string, key: string): DataName | undefined {
  const [, kind, number, epoch] = matchUnder(prefix, key, DATA_NAME) ?? [];
  if (kind === undefined || number === undefined || epoch === undefined) return undefined;
  return { object: objectIdOf(kind as DataKind, Number.parseInt(number, 16)), epoch: Number.parseInt(epoch, 16) };
}

/** What a key names, or undefined for any other. */
export function parseMapKey(prefix: string, key: string): MapName | undefined {
  const [, generation, epoch, part] = matchUnder(prefix, key, MAP_NAME) ?? [];
  if (generation === undefined || epoch === undefined || part === undefined) return undefined;
  return {
    generation: Number.parseInt(generation, 16),
    epoch: Number.parseInt(epoch, 16),
    part: Number.parseInt(part, 16),
  };
}

/**
 * What a key is for, under whatever prefix: `log`, `pack` (cleaning), `map` (checkpoints), `root`, `pin`, `probe` or `other`. For
 * the `classOf` of a store, so that its traffic tells what each request was for.
 */
export function classOfLogKey(key: string): string {
  return CLASSES.find(({ pattern }) => pattern.test(key))?.name ?? 'other';
}

const CLASSES = [
  { name: 'log', pattern: /\/log\/([0-9a-f]{12}-[0-9a-f]{8})?$/ },
  { name: 'pack', pattern: /\/pack\/([0-9a-f]{12}-[0-9a-f]{8})?$/ },
  { name: 'map', pattern: /\/map\/([0-9a-f]{12}-[0-9a-f]{8}-[0-9a-f]{4})?$/ },
  { name: 'root', pattern: /\/volume\.json$/ },
  { name: 'pin', pattern: /\/snapshots\/[^/]+\/pins\// },
  { name: 'probe', pattern: /\/probe-[0-9a-f]*$/ },
];

const SNAPSHOT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Names of snapshots are parts of keys and of URIs: from 1 to 64 letters, digits, `.`, `_` and `-`, none of the last three first. */
export function checkSnapshotName(name: unknown): asserts name is string {
  if (typeof name === 'string' && SNAPSHOT_NAME.test(name)) return;
  throw new BlockError(
    'INVALID_ARGUMENT',
    `a snapshot's name has 1 to 64 letters, digits, ".", "_" or "-", and begins with a letter or digit, not ${JSON.stringify(name)}`,
  );
}

function matchUnder(prefix: string, key: string, pattern: RegExp): RegExpExecArray | undefined {
  return key.startsWith(`${prefix}/`) ? (pattern.exec(key.slice(prefix.length + 1)) ?? undefined) : undefined;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
