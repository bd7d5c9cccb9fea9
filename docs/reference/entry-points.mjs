import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * All that can be imported from packages that are published.
 *
 * @typedef {object} EntryPoint
 * @property {string} name what an import names
 * @property {string} source the file in `src` that it is made of
 * @property {string} declarations the file in `dist` with its types
 *
 * @returns {EntryPoint[]}
 */
export function entryPoints() {
  return readdirSync(join(ROOT, 'packages')).flatMap((folder) => {
    /** @type {{ name: string, private?: boolean, exports?: Record<string, string | { types: string }> }} */
    const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', folder, 'package.json'), 'utf8'));
    if (manifest.private === true) return [];
    return Object.entries(manifest.exports ?? {}).flatMap(([path, target]) => {
      if (typeof target === 'string') return [];
      const source = target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts');
      const place = join(ROOT, 'packages', folder);
      return [
        { name: join(manifest.name, path), source: join(place, source), declarations: join(place, target.types) },
      ];
    });
  });
}
