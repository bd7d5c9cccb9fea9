import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT } from './run-program.js';

/** Packages and apps, as paths from the root. */
export async function projects(): Promise<string[]> {
  const inFolders = await Promise.all(
    ['packages', 'apps'].map(async (folder) => (await readdir(join(ROOT, folder))).map((name) => join(folder, name))),
  );
  return inFolders.flat();
}

/** A file of a package, and the files of the same package that it imports, as paths from its `src`. */
export interface SourceFile {
  readonly path: string;
  readonly imports: readonly string[];
}

/** What a package is made of: neither its tests, nor what they share. */
export async function sourceFilesOf(project: string): Promise<SourceFile[]> {
  const source = join(ROOT, project, 'src');
  const paths = (await readdir(source, { recursive: true })).filter(
    (path) => path.endsWith('.ts') && !/\.(test|d)\.ts$/.test(path) && !/(^|\/)(testing|fakes)\//.test(path),
  );
  return Promise.all(
    paths.map(async (path) => {
      const code = await readFile(join(source, path), 'utf8');
      const imports = [...code.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g)].map(([, name]) =>
        join(dirname(path), `${name}.ts`),
      );
      return { path, imports: imports.filter((imported) => paths.includes(imported)) };
    }),
  );
}
