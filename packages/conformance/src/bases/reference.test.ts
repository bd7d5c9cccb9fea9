import { describe, test } from 'vitest';
import { conformance } from '../kit/conformance.js';
import { referenceSubject } from './reference.js';
import { passThrough, wrapperSubject } from '../saboteurs/pass-through.js';
import { writeBack } from '../saboteurs/write-back.js';

conformance(referenceSubject, { describe, test });
conformance(wrapperSubject('pass-through', passThrough), { describe, test });
conformance(wrapperSubject('write-back', writeBack), { describe, test });
