import { argumentSaboteurs } from './arguments.js';
import { bufferSaboteurs } from './buffers.js';
import { concurrencySaboteurs } from './concurrency.js';
import { durabilitySaboteurs } from './durability.js';
import { endSaboteurs } from './end.js';
import { fragmentSaboteurs } from './fragments.js';
import { limitSaboteurs } from './limits.js';
import { memorySaboteurs } from './memory.js';
import { overSaboteurs } from './over.js';
import { prefixSaboteurs } from './prefixes.js';
import type { Saboteur } from './saboteur.js';
import { sizeSaboteurs } from './size.js';
import { zeroesSaboteurs } from './zeroes.js';

/** Deliberately wrong devices, at least one for each clause. */
export const saboteurs: readonly Saboteur[] = [
  ...argumentSaboteurs,
  ...memorySaboteurs,
  ...bufferSaboteurs,
  ...overSaboteurs,
  ...concurrencySaboteurs,
  ...limitSaboteurs,
  ...durabilitySaboteurs,
  ...prefixSaboteurs,
  ...sizeSaboteurs,
  ...zeroesSaboteurs,
  ...fragmentSaboteurs,
  ...endSaboteurs,
];
