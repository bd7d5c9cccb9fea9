import { BlockError, type TierAttachment, type TierMark } from '@blockyard/block';
import type { RootChange, RootObject } from '@blockyard/volume-root';
import type { LogRoot } from '../format/root.js';
import { checkTier } from '../format/tier.js';
import type { ConnectLogSettings } from './options.js';

/**
 * How a takeover changes the tier in the root. Throws `TIER_MISSING` where the volume has one that
 * the writer neither expects nor gives up. Giving it up is part of the takeover, so it is final: a tier is known by its
 * attachment, and that is gone.
 */
export function tierAtOpening(
  { tier, acceptLoss }: Pick<ConnectLogSettings, 'tier' | 'acceptLoss'>,
  url: string,
): RootChange<LogRoot> {
  return (root) => {
    if (acceptLoss) return { ...root, tier: null };
    if (tier !== 'expected') refuseWithTier(root, url);
    return root;
  };
}

/** Throws `TIER_MISSING`, with where the tier is, if the volume has one. */
export function refuseWithTier({ tier }: Pick<LogRoot, 'tier'>, url: string): void {
  if (tier === null) return;
  const { tierId, place, since } = tier;
  const what = `what was flushed last is on tier ${tierId}, which was at ${place} from ${since} on`;
  throw new BlockError('TIER_MISSING', `${url}: ${what}; open it with that tier, or accept the loss`);
}

/** The mark of a volume that is open for writing, in its root. `checkOpen` throws once it is not. */
export function tierMarkOf(root: RootObject<LogRoot>, checkOpen: () => void): TierMark {
  const attached = root.root.tier;
  return {
    attached,
    attach: async (attachment) => {
      const tier = checkTier(attachment);
      checkOpen();
      await root.change((current) => ({ ...current, tier }));
    },
    detach: async (attachmentId) => {
      checkOpen();
      const isAttached = ({ tier }: LogRoot) => tier?.attachmentId === attachmentId;
      await root.change((current) => (isAttached(current) ? { ...current, tier: null } : current));
    },
  };
}

/** The mark of a volume that is only read. */
export function readOnlyTierMark(attached: TierAttachment | null): TierMark {
  const refuse = () => Promise.reject(new BlockError('READ_ONLY', 'the volume is open for reading'));
  return { attached, attach: refuse, detach: refuse };
}
