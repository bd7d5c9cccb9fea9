/** Run by mocha, which has its `describe` and `it` ready. */
import { conformance } from '@blockyard/conformance';
import { subject } from './volume.mjs';

conformance(subject, { describe: globalThis.describe, test: globalThis.it }, { runs: 2, seed: 1 });
