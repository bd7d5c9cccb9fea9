import { describe, test } from 'vitest';
import { conformance } from '../conformance.js';
import { passThrough, wrapperSubject } from '../saboteurs/pass-through.js';
import { writeBack } from '../saboteurs/write-back.js';
import { groupLogSubject } from './group-log-subject.js';
import { referenceSubject } from './reference-subject.js';

/** The kit tries itself here: what is random about it is tried by every backend. */
const OPTIONS = { runs: 4 };

conformance(referenceSubject, { describe, test }, OPTIONS);
conformance(groupLogSubject('group log'), { describe, test }, OPTIONS);
conformance(wrapperSubject('pass-through', passThrough), { describe, test }, OPTIONS);
conformance(wrapperSubject('write-back', writeBack), { describe, test }, OPTIONS);
