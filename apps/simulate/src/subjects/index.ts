import type { SimulationSubject } from '@blockyard/conformance';
import { cacheSubject } from './cache.js';
import { fileSubject } from './file.js';

/** What can be simulated, by name. */
export const SUBJECTS: ReadonlyMap<string, SimulationSubject> = new Map(
  [cacheSubject, fileSubject].map((subject) => [subject.name, subject]),
);
