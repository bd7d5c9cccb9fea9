import {
  checkBoolean,
  checkFunction,
  checkOneOf,
  checkOptionNames,
  DURABILITY_CLASSES,
  type Durability,
  type KnownOptions,
  type UriScheme,
} from '@blockyard/block';
import { IMAGE_PARAMETERS } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';

const KNOWN: KnownOptions<UriScheme> = {
  example: true,
  parameters: true,
  durability: true,
  connect: true,
  create: true,
  delete: true,
  list: true,
  hasChunks: true,
  canReserve: true,
};
const KNOWN_DURABILITY: KnownOptions<Durability> = { write: true, flush: true };

/** Throws `INVALID_ARGUMENT` for what is no scheme: it comes from outside, and its types are not known to hold. */
export function checkScheme(name: string, scheme: UriScheme): void {
  const what = `scheme ${name}`;
  checkOptionNames(scheme, KNOWN, what);
  const { example, parameters, durability, connect, create, delete: remove, list, hasChunks, canReserve } = scheme;
  if (typeof example !== 'string' || !example.startsWith(`${name}:`)) {
    throw invalid(`${what}: example must be a URI that begins with ${name}:`);
  }
  if (!Array.isArray(parameters) || parameters.some((each) => typeof each !== 'string' || each === '')) {
    throw invalid(`${what}: parameters must be a list of names`);
  }
  const taken = parameters.find((each) => IMAGE_PARAMETERS.includes(each));
  if (taken !== undefined) throw invalid(`${what}: every URI has the parameter ${taken}, for images`);
  checkOptionNames(durability, KNOWN_DURABILITY, `durability of ${what}`);
  checkOneOf(durability.write, `durability.write of ${what}`, DURABILITY_CLASSES);
  checkOneOf(durability.flush, `durability.flush of ${what}`, DURABILITY_CLASSES);
  checkFunction(connect, `connect of ${what}`);
  if (create !== undefined) checkFunction(create, `create of ${what}`);
  if (remove !== undefined) checkFunction(remove, `delete of ${what}`);
  if (list !== undefined) checkFunction(list, `list of ${what}`);
  if (hasChunks !== undefined) checkBoolean(hasChunks, `hasChunks of ${what}`);
  if (canReserve !== undefined) checkBoolean(canReserve, `canReserve of ${what}`);
}
