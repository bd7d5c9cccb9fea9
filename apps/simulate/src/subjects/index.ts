import type { SimulationSubject } from '@blockyard/conformance/simulator';
import { cacheSubject } from './cache.js';
import { fileSubject } from './file.js';
import { logSubject } from './log.js';
import { s3Subject } from './s3.js';
import { writeLogSubject } from './write-log.js';

/** What can be simulated, by name. */
export const SUBJECTS: ReadonlyMap<string, SimulationSubject> = new Map(
  [cacheSubject, fileSubject, s3Subject, logSubject, writeLogSubject].map((subject) => [subject.name, subject]),
);
