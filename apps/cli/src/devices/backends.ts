import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BlockError } from '@blockyard/block';
import { registerScheme, type UriScheme } from '@blockyard/uri';
import { resolve } from 'import-meta-resolve';
import { Failure, messageOf, UsageError } from '../terminal/failure.js';

/** A name in the registry: neither a path nor a URL, which could lead anywhere. */
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** What a package with backends exports: its schemes by their names. */
type Schemes = Readonly<Record<string, UriScheme>>;

/** Registers the schemes of packages that the command line names. */
export async function loadBackends(names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (!isPackageName(name)) throw new UsageError(`--backend ${JSON.stringify(name)} is not the name of a package`);
    const url = find(name);
    if (url === undefined) throw new Failure(`package ${name} is not installed`, `npm install ${name}`);
    for (const [scheme, definition] of Object.entries(await schemesIn(name, url))) registerScheme(scheme, definition);
  }
}

/** The scheme of an installed package that is named after it; undefined if there is none. */
export async function findInstalledScheme(scheme: string): Promise<UriScheme | undefined> {
  for (const name of [`@blockyard/backend-${scheme}`, `blockyard-backend-${scheme}`]) {
    const url = isPackageName(name) ? find(name) : undefined;
    if (url === undefined) continue;
    const schemes = await schemesIn(name, url);
    if (Object.hasOwn(schemes, scheme)) return schemes[scheme];
    throw new BlockError('UNSUPPORTED', `package ${name} has no scheme ${scheme}:`);
  }
  return undefined;
}

function isPackageName(name: string): boolean {
  return PACKAGE_NAME.test(name) && !isBuiltin(name);
}

/** The module of a package that is installed where the command runs, or else beside the command. Nothing is fetched. */
function find(name: string): string | undefined {
  for (const from of [pathToFileURL(join(process.cwd(), 'here.js')).href, import.meta.url]) {
    try {
      return resolve(name, from);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') {
        throw new BlockError('UNSUPPORTED', `package ${name}: ${messageOf(error)}`, { cause: error });
      }
    }
  }
  return undefined;
}

async function schemesIn(name: string, url: string): Promise<Schemes> {
  const { schemes } = await importModule(name, url);
  if (typeof schemes === 'object' && schemes !== null) return schemes as Schemes;
  throw new BlockError('UNSUPPORTED', `package ${name} is no backend: it exports no schemes`);
}

async function importModule(name: string, url: string): Promise<{ readonly schemes?: unknown }> {
  try {
    return await import(url);
  } catch (cause) {
    throw new BlockError('UNSUPPORTED', `package ${name} cannot be loaded: ${messageOf(cause)}`, { cause });
  }
}
