import {
  BlockError,
  checkBoolean,
  checkOptionNames,
  checkSectorSize,
  checkSize,
  type KnownOptions,
} from '@blockyard/block';
import type { Medium } from './medium.js';

export interface TemplateOptions {
  /** Where the sectors are. */
  readonly medium: Medium;
  /** Default: false. */
  readonly readOnly?: boolean;
}

/** A list that does not compile when an option is missing from it. */
const KNOWN: KnownOptions<TemplateOptions> = { medium: true, readOnly: true };

/** The options with their defaults, or `INVALID_ARGUMENT`. */
export function checkOptions(options: TemplateOptions): Required<TemplateOptions> {
  checkOptionNames(options, KNOWN);
  const { medium, readOnly = false } = options;
  if (!(medium?.sectors instanceof Map)) throw new BlockError('INVALID_ARGUMENT', 'medium must be a Medium');
  checkSectorSize(medium.sectorSize);
  checkSize(medium.sizeSectors, medium.sectorSize);
  checkBoolean(readOnly, 'readOnly');
  return { medium, readOnly };
}
