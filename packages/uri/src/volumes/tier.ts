import type { TierAttachment } from '@blockyard/block';
import type { WriteLogInspection } from '@blockyard/write-log';
import { findLayout } from '../schemes/find-layout.js';
import { DeviceUri } from '../syntax/device-uri.js';
import { inspectLog, type Undrained, undrainedIn } from '../tier/loss.js';
import { directoryAt } from '../tier/place.js';
import { type TierOptions, tierSettingsOf } from '../tier/settings.js';
import { presentUri, withStore } from './volume-uri.js';

/** What is known of a volume's tier, seen from outside. */
export interface TierReport {
  /** The tier that has what was flushed to the volume last, as its root says: null if the store has all of it. */
  readonly attached: TierAttachment | null;
  /** The folder that was looked at: the one that was named, or where the root says that the tier is, if that is on this machine. */
  readonly directory: string | null;
  /**
   * What is there: `own` is the tier that the root names, or any that has a log of this volume where it names none; `other` is
   * the log of another tier or volume; `none`.
   */
  readonly found: 'own' | 'other' | 'none';
  /** What that has and the store has not, as far as it is on the disk. Null where it is not the volume's own. */
  readonly undrained: Undrained | null;
}

/**
 * Looks at a volume's tier beside a process that has both open. `tier` names its folder; without, the URI or the volume's root
 * does. Rejects with `NOT_FOUND` if there is no volume, and as its store and the folder's files do. A volume of chunks has none.
 */
export async function tierOfUri(text: string, tier?: TierOptions): Promise<TierReport> {
  const settings = tierSettingsOf(new DeviceUri(text), tier, () => {});
  const { volumeId, attached } = await withStore(await presentUri(text), async ({ store, prefix }) => {
    if ((await findLayout(store, prefix)) !== 'log') return { volumeId: undefined, attached: null };
    const { immutableKeysOf } = await import('@blockyard/backend-log');
    const keys = await immutableKeysOf({ store, prefix });
    return { volumeId: keys.volumeId, attached: keys.tier };
  });
  const directory = settings?.directory ?? (attached === null ? undefined : directoryAt(attached)) ?? null;
  const log = directory === null ? undefined : await inspectLog(directory);
  if (log === undefined) return { attached, directory, found: 'none', undrained: null };
  const isOwn = log.baseId === volumeId && (attached === null || attached.tierId === log.tierId);
  return { attached, directory, found: isOwn ? 'own' : 'other', undrained: isOwn ? undrainedFor(attached, log) : null };
}

/** What no flush relied on does not count. */
function undrainedFor(attached: TierAttachment | null, log: WriteLogInspection): Undrained {
  return attached === null ? { bytes: 0, changes: 0, oldestMs: null } : undrainedIn(log);
}
