import { type DataName, objectIdOf } from '../format/keys.js';
import type { EpochSpan } from '../format/root.js';
import type { Sealing } from '../format/sealing.js';
import { ObjectGone } from '../objects/object-gone.js';
import type { Based, Places } from '../objects/places.js';
import type { FoundHead, FoundIndex, SegmentReader } from '../objects/segment-reader.js';
import type { VolumeState } from '../state/volume-state.js';

/** Segments that are asked for at once: few at first, since mostly there are few, then more. */
const BATCH_MIN = 1;
const BATCH_MAX = 64;

export interface ReplayParts {
  readonly reader: SegmentReader;
  readonly places: Places;
  readonly sealing: Sealing;
  /** For messages. */
  readonly urlOf: (name: Based<DataName>) => string;
}

/** Where the replay ended. */
export interface ReplayEnd {
  /** Number of the first segment that is not in the state. */
  readonly next: number;
  /** Whether a fence stands in its place. */
  readonly isFenced: boolean;
}

/** Where to stop at the latest. */
export interface ReplayLimits {
  /** Number of the last segment to take in. */
  readonly through?: number | undefined;
  /** Only segments that were sealed up to then, in milliseconds since 1970. */
  readonly untilMs?: number | undefined;
}

interface Found {
  readonly name: Based<DataName>;
  readonly isRequired: boolean;
  readonly head: FoundHead | undefined;
  readonly tail: FoundIndex | undefined;
}

/**
 * Takes the segments after the state into it, in order, up to the first that is not there.
 *
 * Only an object that the store says is absent ends the log, or a fence. Every failure is an error, after which the state has
 * some of the segments, and can be replayed on. Nothing is changed in the store.
 */
export async function replay(
  parts: ReplayParts,
  state: VolumeState,
  spans: readonly EpochSpan[],
  limits: ReplayLimits = {},
): Promise<ReplayEnd> {
  const { places, sealing } = parts;
  for (const { base, epoch, opening } of spans) {
    sealing.addEpoch(places.volume(base).volumeId, epoch, opening);
    state.openings.set(`${base}/${epoch}`, opening);
  }
  const { through = Number.POSITIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = limits;
  for (let batch = BATCH_MIN; state.through < through; batch = Math.min(BATCH_MAX, batch * 2)) {
    const wanted = namesAfter(state.through, spans, Math.min(batch, through - state.through));
    if (wanted.length === 0) break;
    for (const { name, isRequired, head, tail } of await Promise.all(wanted.map((each) => find(parts, each)))) {
      const end = { next: state.through + 1, isFenced: head?.isFence === true };
      if (head === undefined || tail === undefined) {
        if (isRequired) throw new ObjectGone(parts.urlOf(name));
        return end;
      }
      if (head.head.sealedMs > untilMs) return end;
      state.apply(name, { sizeBytes: head.sizeBytes, slots: tail.slots, sealedMs: head.head.sealedMs }, tail.index);
    }
  }
  return { next: state.through + 1, isFenced: false };
}

async function find(
  { reader }: ReplayParts,
  { name, isRequired }: { readonly name: Based<DataName>; readonly isRequired: boolean },
): Promise<Found> {
  const head = await reader.head(name);
  const tail = head === undefined || head.isFence ? undefined : await reader.index(name, head.sizeBytes);
  return { name, isRequired, head, tail };
}

/** The names of up to `count` segments after number `through`. Those of spans that have ended must be there. */
function namesAfter(through: number, spans: readonly EpochSpan[], count: number) {
  const names: { name: Based<DataName>; isRequired: boolean }[] = [];
  let number = through + 1;
  for (const { base, epoch, end } of spans) {
    for (; names.length < count && number < (end ?? Number.POSITIVE_INFINITY); number++) {
      names.push({ name: { base, epoch, object: objectIdOf('log', number) }, isRequired: end !== null });
    }
  }
  return names;
}
