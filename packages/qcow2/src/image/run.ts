import type { CompressedCluster } from '../format/l2-entry.js';

/** Bytes of the disk that lie in one place, from `start` on. */
export type Run = RunPlace & { readonly start: number; readonly length: number };

export type RunPlace =
  | { readonly kind: 'zero' }
  /** In the image below, or zero where there is none. */
  | { readonly kind: 'absent' }
  /** In the image, as they are, from byte `offset` on. */
  | { readonly kind: 'plain'; readonly offset: number }
  /** In a cluster that is compressed. */
  | { readonly kind: 'compressed'; readonly cluster: CompressedCluster };

/** Runs in the making: one that goes on where the last one ends becomes part of it. */
export class RunList {
  readonly runs: Run[] = [];

  add(run: Run): void {
    const last = this.runs.at(-1);
    if (last !== undefined && goesOn(last, run)) {
      this.runs[this.runs.length - 1] = { ...last, length: last.length + run.length };
    } else {
      this.runs.push(run);
    }
  }
}

function goesOn(last: Run, next: Run): boolean {
  if (last.kind !== next.kind || last.kind === 'compressed') return false;
  return last.kind !== 'plain' || next.kind !== 'plain' || next.offset === last.offset + last.length;
}
