#!/usr/bin/env node
/**
 * Makes the API reference of all packages from their docstrings, as HTML: `npm run reference [-- --out DIR]`. What a docstring
 * links to and cannot be found is an error.
 */
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Application, Converter, ReflectionKind } from 'typedoc';
import { entryPoints, ROOT } from './entry-points.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: join(HERE, 'html') } } });
const points = entryPoints();

const app = await Application.bootstrap({
  name: 'Blockyard',
  entryPoints: points.map(({ source }) => source),
  tsconfig: join(HERE, 'tsconfig.sources.json'),
  compilerOptions: { paths: Object.fromEntries(points.map(({ name, source }) => [name, [source]])) },
  // The packages type-check by themselves, with the compiler that they are made with.
  skipErrorChecking: true,
  readme: join(HERE, 'README.md'),
  projectDocuments: [join(ROOT, 'packages', 'block', 'CONTRACT.md')],
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  disableSources: true,
  validation: { invalidLink: true, notExported: false },
  treatWarningsAsErrors: true,
});
// By what one imports, rather than by folders.
const names = new Map(points.map(({ name, source }) => [folderOf(source), name]));
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const name = names.get(module.name);
    if (name === undefined) throw new Error(`${module.name} is no entry point`);
    module.name = name;
  }
});

const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
await app.generateDocs(project, values.out);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);

/** As typedoc names a module. @param {string} source */
function folderOf(source) {
  return relative(join(ROOT, 'packages'), source).replace(/(\/index)?\.ts$/, '');
}
