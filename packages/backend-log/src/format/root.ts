import { BlockError, checkSectorSize, checkSize, type TierAttachment } from '@blockyard/block';
import { isId } from '@blockyard/object-store';
import {
  checkRootName,
  checkRootText,
  encodeRootText,
  type OwnedRoot,
  ownedFieldsOf,
  parseRoot,
  type RootDigest,
  type RootFormat,
  type RootShape,
  within,
} from '@blockyard/volume-root';
import { checkEncryption, type Encryption, laterEncryption } from './encryption.js';
import { checkSnapshotName, EPOCH_MAX, NUMBER_MAX } from './keys.js';
import { checkSegmentSize } from './segment-size.js';
import { checkTier, TIER_FIELDS } from './tier.js';

/** A writer's part of the history: segments from `from` to before `end`. */
export interface EpochSpan {
  /** 0: of this volume; else of the base of that number, from 1. */
  readonly base: number;
  readonly epoch: number;
  /** Of the writer: random, and the salt of what it encrypted. */
  readonly opening: string;
  readonly from: number;
  /** Null until it has ended: then a fence stands in its place, or the writer itself said so. */
  readonly end: number | null;
}

/** Where the directory of a checkpoint is. */
export interface CheckpointPlace {
  /** 0: an object of this volume; else of the base of that number, from 1. */
  readonly base: number;
  readonly generation: number;
  readonly epoch: number;
  readonly opening: string;
  readonly part: number;
  readonly offset: number;
  readonly lengthBytes: number;
  /** Number of the last segment whose changes are in it. */
  readonly through: number;
  /** When that was sealed, in milliseconds since 1970, by the clock of its writer. */
  readonly throughMs: number;
}

/** A state that is kept: a checkpoint, and segments after it. */
export interface SnapshotEntry {
  readonly name: string;
  /** Null: a volume that nothing was ever written to. */
  readonly checkpoint: CheckpointPlace | null;
  /** Of the segments after the checkpoint, up to `through`. */
  readonly epochs: readonly EpochSpan[];
  readonly through: number;
  readonly sizeSectors: number;
  /** ISO 8601, UTC, by the clock of the process that took it. */
  readonly created: string;
  /** Random, of the one that is about to delete it: it is kept until then, and no clone may begin. Null: no one is. */
  readonly deletion: string | null;
}

/** Another volume, of the same store, that this one has objects of. */
export interface Base {
  readonly volumeId: string;
  readonly prefix: string;
  /** Of the first base: the snapshot that this volume is a clone of, which it has a pin on. */
  readonly snapshot: string;
}

export interface LogRoot extends OwnedRoot {
  readonly sectorSize: number;
  /** As of the checkpoint. */
  readonly sizeSectors: number;
  readonly segmentSizeBytes: number;
  /** How sectors are encoded. */
  readonly codec: 'none';
  readonly encryption: Encryption | null;
  /** Null until something was written. */
  readonly checkpoint: CheckpointPlace | null;
  /** Those of the segments after the checkpoint, the last of them the writer's own if it has one. */
  readonly epochs: readonly EpochSpan[];
  readonly bases: readonly Base[];
  readonly snapshots: readonly SnapshotEntry[];
  /** The local tier that has what was flushed and is not in the store yet. Null: none has. The writer's own, as the epochs are. */
  readonly tier: TierAttachment | null;
}

export const LAYOUT = 'log';
/** A thousand snapshots, and no more. */
export const ROOT_BYTES_MAX = 1 << 20;
export const SNAPSHOTS_MAX = 1000;

const SHAPE: RootShape = {
  layout: LAYOUT,
  names: [
    'format',
    'version',
    'layout',
    'volumeId',
    'sectorSize',
    'sizeSectors',
    'segmentSizeBytes',
    'codec',
    'encryption',
    'writerEpoch',
    'opening',
    'holder',
    'checkpoint',
    'epochs',
    'bases',
    'snapshots',
    'tier',
    'isDeleted',
    'changeId',
    'check',
  ],
  // Releases that do not know one refuse a root that has it, and read one that has not.
  optionalNames: ['tier', 'isDeleted'],
  nestedNames: [
    'cipher',
    'kdf',
    'kdfSalt',
    'kdfCost',
    'wrapNonce',
    'wrappedKey',
    'revision',
    'base',
    'generation',
    'epoch',
    'part',
    'offset',
    'lengthBytes',
    'through',
    'throughMs',
    'from',
    'end',
    'prefix',
    'snapshot',
    'name',
    'created',
    'deletion',
    ...TIER_FIELDS,
  ],
};

/** The root object of log volumes. `digest` is that of an encrypted volume: it alone can write a root that is believed. */
export function rootFormatOf(digest?: RootDigest): RootFormat<LogRoot> {
  return {
    maxBytes: ROOT_BYTES_MAX,
    encode: (root) => encodeRootText({ ...root, tier: root.tier ?? undefined }, SHAPE, digest),
    decode: (bytes, where) => decodeRoot(bytes, where, digest),
    stampOf: ({ volumeId, writerEpoch, changeId }) => `${volumeId}/${writerEpoch}/${changeId}`,
    // Anyone may take and delete snapshots, and change the passphrase.
    merge: (mine, found) => ({
      ...mine,
      snapshots: found.snapshots,
      encryption: laterEncryption(mine.encryption, found.encryption),
    }),
  };
}

/** How a root says that the volume is encrypted, before its check can be made. */
export function encryptionOf(bytes: Uint8Array, where: string): Encryption | null {
  const text = parseRoot(bytes, where);
  checkRootName(text.fields, 'layout', LAYOUT, where);
  return checkEncryption(text.fields.encryption, where);
}

/** Which volumes a root refers to, its own and those that it has objects of, and its tier. Checks nothing else of it. */
export function volumesIn(bytes: Uint8Array, where: string): Pick<LogRoot, 'volumeId' | 'bases' | 'tier'> {
  const text = parseRoot(bytes, where);
  checkRootName(text.fields, 'layout', LAYOUT, where);
  const { volumeId } = ownedFieldsOf(text, where);
  const { bases, tier } = text.fields;
  return within(where, () => ({ volumeId, bases: listOf(bases, 'bases', checkBase), tier: tierIn(tier) }));
}

function tierIn(value: unknown): TierAttachment | null {
  return value === undefined || value === null ? null : checkTier(value);
}

function decodeRoot(bytes: Uint8Array, where: string, digest: RootDigest | undefined): LogRoot {
  const text = parseRoot(bytes, where);
  const { fields } = text;
  checkRootName(fields, 'layout', LAYOUT, where);
  checkRootName(fields, 'codec', 'none', where);
  checkRootText(fields, SHAPE, where, digest);
  const owned = ownedFieldsOf(text, where);
  const encryption = checkEncryption(fields.encryption, where);
  return within(where, () => {
    const { sectorSize, sizeSectors, segmentSizeBytes, checkpoint, epochs, bases, snapshots, tier } = fields;
    checkSectorSize(sectorSize);
    checkSize(sizeSectors, sectorSize);
    checkSegmentSize(segmentSizeBytes, sectorSize);
    const root: LogRoot = {
      ...owned,
      sectorSize,
      sizeSectors,
      segmentSizeBytes,
      codec: 'none',
      encryption,
      checkpoint: nullOr(checkpoint, 'checkpoint', checkPlace),
      epochs: listOf(epochs, 'epochs', checkSpan),
      bases: listOf(bases, 'bases', checkBase),
      snapshots: listOf(snapshots, 'snapshots', checkSnapshot),
      tier: tierIn(tier),
    };
    checkHistory(root.checkpoint, root.epochs);
    return root;
  });
}

/** Epochs follow on one another without a gap, and none but the last is open. */
function checkHistory(checkpoint: CheckpointPlace | null, epochs: readonly EpochSpan[]): void {
  const through = checkpoint?.through ?? 0;
  let next: number | undefined;
  epochs.forEach(({ base, epoch, from, end }, at) => {
    const isContinuous = next === undefined ? from <= through + 1 : from === next;
    const before = epochs[at - 1];
    if (!isContinuous || (before?.base === base && epoch <= before.epoch)) throw wrong('epochs', epochs);
    if (end === null ? at < epochs.length - 1 : end < from) throw wrong('epochs', epochs);
    next = end ?? from;
  });
}

function checkPlace(value: Fields): CheckpointPlace {
  const { base, generation, epoch, opening, part, offset, lengthBytes, through, throughMs } = value;
  return {
    base: count(base, 'base'),
    generation: count(generation, 'generation'),
    epoch: count(epoch, 'epoch', EPOCH_MAX),
    opening: id(opening, 'opening'),
    part: count(part, 'part'),
    offset: count(offset, 'offset'),
    lengthBytes: count(lengthBytes, 'lengthBytes'),
    through: count(through, 'through', NUMBER_MAX),
    throughMs: count(throughMs, 'throughMs'),
  };
}

function checkSpan({ base, epoch, opening, from, end }: Fields): EpochSpan {
  return {
    base: count(base, 'base'),
    epoch: count(epoch, 'epoch', EPOCH_MAX),
    opening: id(opening, 'opening'),
    from: count(from, 'from', NUMBER_MAX),
    end: end === null ? null : count(end, 'end', NUMBER_MAX + 1),
  };
}

function checkBase({ volumeId, prefix, snapshot }: Fields): Base {
  if (typeof prefix !== 'string' || prefix === '') throw wrong('prefix', prefix);
  checkSnapshotName(snapshot);
  return { volumeId: id(volumeId, 'volumeId'), prefix, snapshot };
}

function checkSnapshot(value: Fields): SnapshotEntry {
  const { name, checkpoint, epochs, through, sizeSectors, created, deletion } = value;
  checkSnapshotName(name);
  if (typeof created !== 'string' || Number.isNaN(Date.parse(created))) throw wrong('created', created);
  return {
    name,
    checkpoint: nullOr(checkpoint, 'checkpoint', checkPlace),
    epochs: listOf(epochs, 'epochs', checkSpan),
    through: count(through, 'through', NUMBER_MAX),
    sizeSectors: count(sizeSectors, 'sizeSectors'),
    created,
    deletion: deletion === null ? null : id(deletion, 'deletion'),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function nullOr<T>(value: unknown, name: string, check: (value: Fields) => T): T | null {
  return value === null ? null : check(fieldsOf(value, name));
}

function listOf<T>(value: unknown, name: string, check: (value: Fields) => T): T[] {
  if (!Array.isArray(value)) throw wrong(name, value);
  return value.map((item) => check(fieldsOf(item, name)));
}

function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, value);
  return value as Fields;
}

function count(value: unknown, name: string, max = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number;
  throw wrong(name, value);
}

function id(value: unknown, name: string): string {
  if (isId(value)) return value;
  throw wrong(name, value);
}

function wrong(name: string, value: unknown): BlockError {
  return new BlockError('CORRUPT', `${name} is ${JSON.stringify(value) ?? 'missing'}`);
}
