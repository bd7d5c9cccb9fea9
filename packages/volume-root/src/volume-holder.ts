import type { Holder } from './holder.js';
import type { HolderState } from './take-over.js';

/** Who has a volume open for writing, as its root told it at one moment. */
export interface VolumeHolder
  extends Pick<Holder, 'host' | 'process' | 'since' | 'renewed'>,
    Omit<HolderState, 'holder'> {}

/** What of it is for callers: the rest tells one process from another and may change with the format. */
export function volumeHolderOf(found: HolderState | null): VolumeHolder | null {
  if (found === null) return null;
  const { holder, state, silentMs } = found;
  const { host, process, since, renewed } = holder;
  return { host, process, since, renewed, state, silentMs };
}
