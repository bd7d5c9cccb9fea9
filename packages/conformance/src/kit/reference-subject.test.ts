import { describe, test } from 'vitest';
import { conformance } from '../conformance.js';
import { passThrough, wrapperSubject } from '../saboteurs/pass-through.js';
import { writeBack } from '../saboteurs/write-back.js';
import { groupLogSubject } from './group-log-subject.js';
import { referenceSubject } from './reference-subject.js';

conformance(referenceSubject, { describe, test });
conformance(groupLogSubject('group log'), { describe, test });
conformance(wrapperSubject('pass-through', passThrough), { describe, test });
conformance(wrapperSubject('write-back', writeBack), { describe, test });
