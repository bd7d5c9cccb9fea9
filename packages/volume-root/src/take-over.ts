import { BlockError } from '@blockyard/block';
import type { AnswerDates } from '@blockyard/object-store';
import { describeHolder, expiryMs, type Holder, takeOverWaitMs } from './holder.js';
import { isKnownDead, thisProcess } from './process-identity.js';
import { type OwnedRoot, type RootPlace, readRoot } from './root-format.js';
import { atMost, timeStamp, type VolumeClock } from './volume-clock.js';

/** How often an open volume says in its root that it is open. Each time costs a PUT. */
export const RENEW_MS = 30_000;

/** What is known of who has a volume open for writing. */
export interface HolderState {
  readonly holder: Holder;
  /**
   * - `dead`: a process of this host that is certainly gone.
   * - `silent`: it has not renewed for so long that it has ended, hangs or is cut off; it may come back.
   * - `alive`: anything else.
   */
  readonly state: 'alive' | 'silent' | 'dead';
  /** Milliseconds since it renewed last, by the store's clocks where they are known. */
  readonly silentMs: number;
}

/** Null: no one has it. `dates` are those of the answer that brought the root. */
export function holderStateOf(
  { holder }: Pick<OwnedRoot, 'holder'>,
  dates: AnswerDates | undefined,
  clock: VolumeClock,
  self = thisProcess(),
): HolderState | null {
  if (holder === null) return null;
  const { answeredMs, storedMs } = dates ?? {};
  // By one clock: the store's where it gives both times, or else by what the processes believe.
  const [fromMs, nowMs] =
    answeredMs === undefined || storedMs === undefined
      ? [Date.parse(holder.renewed), answeredMs ?? Date.parse(timeStamp(clock))]
      : [storedMs, answeredMs];
  const silentMs = Math.max(0, nowMs - fromMs);
  if (isKnownDead(holder, self)) return { holder, state: 'dead', silentMs };
  return { holder, state: silentMs > expiryMs(holder) ? 'silent' : 'alive', silentMs };
}

/** Throws `LOCKED`, with who has it, if that process is alive. */
export function refuseIfHeld(found: HolderState | null, url: string): void {
  if (found?.state !== 'alive') return;
  const { holder, silentMs } = found;
  const heard = `last heard of ${Math.round(silentMs / 1000)} s ago`;
  throw new BlockError('LOCKED', `${url}: is open for writing by ${describeHolder(holder)}, ${heard}`);
}

/** What the root is to say of the one who takes over, and how long that one has to wait afterwards. */
export interface Claim {
  readonly holder: Holder;
  readonly waitMs: number;
}

/**
 * The claim of this process over a volume in that state. A process that is certainly gone acknowledges nothing, so there is
 * nothing to wait for; unless it was waiting itself for the end of someone else's lease.
 */
export function claimOver(found: HolderState | null, leaseMs: number, clock: VolumeClock): Claim {
  const now = timeStamp(clock);
  const mayBeActive = found !== null && (found.state !== 'dead' || !found.holder.settled);
  const waitMs = mayBeActive ? takeOverWaitMs(found.holder) : 0;
  const settled = waitMs === 0;
  const longestLeaseMs = settled || found === null ? leaseMs : Math.max(leaseMs, found.holder.leaseMs);
  const times = { since: now, renewed: now, renewMs: RENEW_MS };
  return { holder: { ...thisProcess(), ...times, leaseMs: longestLeaseMs, settled }, waitMs };
}

/** Longest that a writer that was replaced looks for the one that replaced it, to say who it is. */
const FIND_HOLDER_MS_MAX = 5000;

/** Describes who has the volume now, for a `Fence`. Undefined if no one has, or it is not known in time. */
export async function findHolder<R extends OwnedRoot>(
  place: RootPlace<R>,
  clock: VolumeClock,
): Promise<string | undefined> {
  const found = await atMost(clock, FIND_HOLDER_MS_MAX, readRoot(place));
  return found?.root.holder ? describeHolder(found.root.holder) : undefined;
}
