import type { SectorRange } from '@blockyard/block';
import type { Backlog } from '../changes/backlog.js';

/** Spans that are looked at in one step. */
const STEP_SPANS = 1024;

/** Data in the backlog, in steps that are each followed by undefined: between two of them the backlog may change. */
export function* pendingIn(
  { map }: Pick<Backlog, 'map'>,
  start: number,
  count: number,
): Generator<SectorRange | undefined, void, undefined> {
  const end = start + count;
  for (let at = start; at < end; ) {
    const found: SectorRange[] = [];
    let spans = 0;
    for (const run of map.runs(at, end)) {
      at = run.end;
      if (run.value?.kind === 'data') found.push({ start: run.start, count: run.end - run.start });
      if (++spans === STEP_SPANS) break;
    }
    yield* found;
    yield undefined;
  }
}
