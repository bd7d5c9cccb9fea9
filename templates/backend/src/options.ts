import { BlockError, checkSectorSize, checkSize } from '@blockyard/block';
import type { Medium } from './medium.js';

export interface TemplateOptions {
  /** Where the sectors are. */
  readonly medium: Medium;
  /** Default: false. */
  readonly readOnly?: boolean;
}

/** A list that does not compile when an option is missing from it. */
const KNOWN: Readonly<Record<keyof TemplateOptions, true>> = { medium: true, readOnly: true };

/** The options with their defaults, or `INVALID_ARGUMENT`. */
export function checkOptions(options: TemplateOptions): Required<TemplateOptions> {
  if (typeof options !== 'object' || options === null) {
    throw new BlockError('INVALID_ARGUMENT', `options must be { medium, readOnly? }, not ${String(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, name)) throw new BlockError('INVALID_ARGUMENT', `unknown option "${name}"`);
  }
  const { medium, readOnly = false } = options;
  if (!(medium?.sectors instanceof Map)) throw new BlockError('INVALID_ARGUMENT', 'medium must be a Medium');
  checkSectorSize(medium.sectorSize);
  checkSize(medium.sizeSectors, medium.sectorSize);
  if (typeof readOnly !== 'boolean') {
    throw new BlockError('INVALID_ARGUMENT', `readOnly must be true or false, not ${String(readOnly)}`);
  }
  return { medium, readOnly };
}
