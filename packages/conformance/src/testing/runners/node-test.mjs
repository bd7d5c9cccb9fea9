/** Run by `node --test`. */
import { describe, test } from 'node:test';
import { conformance } from '@blockyard/conformance';
import { subject } from './volume.mjs';

conformance(subject, { describe, test }, { runs: 2, seed: 1 });
