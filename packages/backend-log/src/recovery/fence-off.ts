import type { ObjectStore } from '@blockyard/object-store';
import { objectIdOf } from '../format/keys.js';
import type { EpochSpan } from '../format/root.js';
import { encodeFence } from '../format/segment.js';
import type { VolumeState } from '../state/volume-state.js';
import { type ReplayParts, replay } from './replay.js';

export interface FenceParts extends ReplayParts {
  readonly store: Pick<ObjectStore, 'put'>;
  /** Whether the store honours create-if-absent. If not there is no fence, and flushes look at the root instead. */
  readonly conditionalPuts: boolean;
  /** Of the one that takes the volume over. */
  readonly opening: string;
  readonly wallMs: () => number;
}

/**
 * Ends the span of an earlier writer: finds the first number that it has not stored, and puts a fence there, so that it never
 * will. What it stored before that is taken into the state. Returns the number, which is the first of the next writer.
 *
 * The one that is refused was slower. If that is the fence, the segment is taken in, and the next number tried; if it is the
 * earlier writer, that one finds the fence. Its durable prefix so ends before the fence, whatever arrives later.
 */
export async function fenceOff(parts: FenceParts, state: VolumeState, spans: readonly EpochSpan[]): Promise<number> {
  for (;;) {
    const { next, isFenced } = await replay(parts, state, spans);
    const last = spans.at(-1);
    if (isFenced || last === undefined || last.end !== null || !parts.conditionalPuts) return next;
    const { base, epoch } = last;
    const name = { base, epoch, object: objectIdOf('log', next) };
    const { volumeId } = parts.places.volume(base);
    const head = { volumeId, object: name.object, epoch, sectorSize: state.sectorSize, sealedMs: parts.wallMs() };
    const stamp = `${volumeId}/fence/${parts.opening}/${next}`;
    const result = await parts.store.put(parts.places.dataKey(name), encodeFence(head), 'absent', stamp);
    if (result.kind === 'failed') throw result.error;
    if (result.kind === 'stored') return next;
  }
}
