/** Run by vitest. */
import { conformance } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { subject } from './volume.mjs';

conformance(subject, { describe, test }, { runs: 2, seed: 1 });
