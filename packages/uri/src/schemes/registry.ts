import { BlockError, type UriScheme } from '@blockyard/block';
import { invalid } from '../syntax/invalid.js';
import { checkScheme } from './check-scheme.js';
import { adaptScheme } from './registered.js';
import type { Scheme } from './scheme.js';

/** Finds schemes that are not registered yet: undefined if there is none of that name. */
export type SchemeFinder = (name: string) => Promise<UriScheme | undefined>;

/** What URIs may begin with; one letter would be a drive of Windows. */
const NAME = /^[a-z][a-z0-9+.-]+$/;

/** Of this process, as the table of known schemes is. */
const registered = new Map<string, { readonly scheme: Scheme; readonly definition: UriScheme }>();
let finder: SchemeFinder | undefined;

/** Registers a scheme beside those that are known here; `known` are their names. */
export function register(name: string, scheme: UriScheme, known: { has(name: string): boolean }): void {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalid('the name of a scheme is lower case: a letter, then letters, digits, +, . or -, two or more in all');
  }
  checkScheme(name, scheme);
  if (registered.get(name)?.definition === scheme) return;
  if (known.has(name) || registered.has(name)) {
    throw new BlockError('ALREADY_EXISTS', `scheme ${name}: is known already`);
  }
  registered.set(name, { scheme: adaptScheme(name, scheme), definition: scheme });
}

/** The registered scheme of a name, or one that the finder finds, which is registered then. */
export async function findRegistered(name: string): Promise<Scheme | undefined> {
  const there = registered.get(name)?.scheme;
  if (there !== undefined || finder === undefined) return there;
  const found = await finder(name);
  // Another URI of the scheme may have been quicker.
  if (found !== undefined && !registered.has(name)) register(name, found, new Set());
  return registered.get(name)?.scheme;
}

/** Schemes that were registered or found so far, by their names. */
export function registeredSchemes(): ReadonlyMap<string, Scheme> {
  return new Map([...registered].map(([name, { scheme }]) => [name, scheme]));
}

/**
 * Sets who is asked for a scheme that is neither known nor registered, before it is refused. What it finds is registered.
 * Undefined: no one. Replaces the finder before it.
 */
export function setSchemeFinder(find: SchemeFinder | undefined): void {
  finder = find;
}
