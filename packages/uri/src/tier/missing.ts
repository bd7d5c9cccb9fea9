import { BlockError, type TierAttachment } from '@blockyard/block';
import type { TierSettings } from './settings.js';

/** That a volume's tier is not the one that was given, or none was. */
export function tierMissing(device: string, { tierId, place, since }: TierAttachment, given: string): BlockError {
  const what = `what was flushed last is on tier ${tierId}, which was at ${place} from ${since} on`;
  return new BlockError('TIER_MISSING', `${device}: ${what}; ${given}`, { device });
}

/** That a folder has what another volume flushed. */
export function tierOfAnother(directory: string, baseId: string): BlockError {
  const device = `tier ${directory}`;
  const what = `it has what volume ${baseId} flushed and its store may not have: drain that one first, or name another folder`;
  return new BlockError('TIER_MISSING', `${device}: ${what}`, { device });
}

/** Throws `UNSUPPORTED` where flushes are to be local, and the device could not be kept from being opened without its tier. */
export function refuseLocal(tier: TierSettings | undefined, what: string): void {
  if (tier?.durability !== 'local') return;
  const why = `durability local is for log volumes, which remember their tier; ${what} would be opened without it`;
  throw new BlockError('UNSUPPORTED', why);
}
