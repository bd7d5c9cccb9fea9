import { hostname } from 'node:os';
import { isAbsolute } from 'node:path';
import type { TierAttachment } from '@blockyard/block';

/** How a volume's root names a folder of this machine. */
export function placeOf(directory: string): string {
  return `${hostname()}:${directory}`;
}

/** The folder that a root names, if it is one of this machine, as far as its name tells. */
export function directoryAt({ place }: TierAttachment): string | undefined {
  const host = `${hostname()}:`;
  const directory = place.slice(host.length);
  return place.startsWith(host) && isAbsolute(directory) ? directory : undefined;
}
