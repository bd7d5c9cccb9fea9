import { describe, test } from 'vitest';
import { conformance } from './conformance.js';
import { referenceSubject } from './reference.js';

conformance(referenceSubject, { describe, test });
