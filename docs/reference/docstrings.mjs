import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { entryPoints, ROOT } from './entry-points.mjs';

/** @import ts from 'typescript' */

/**
 * Required, not imported: to import it, Node looks through its nine megabytes for names, which takes a second.
 *
 * @type {import('typescript')}
 */
const compiler = createRequire(import.meta.url)('typescript');

/** Enough to know what is exported, and what is said of it: neither libraries nor types of Node are read. */
const OPTIONS = /** @satisfies {ts.CompilerOptions} */ ({
  target: compiler.ScriptTarget.ES2022,
  module: compiler.ModuleKind.NodeNext,
  moduleResolution: compiler.ModuleResolutionKind.NodeNext,
  noLib: true,
  types: [],
});

/**
 * What the published packages export, and the public methods of that, each with what its docstring says. A method has that of
 * the interface that it implements. Read from the declarations that a build makes: they are a fraction of the sources.
 *
 * @returns {{ readonly name: string, readonly place: string, readonly text: string }[]}
 */
export function docstrings() {
  const points = entryPoints();
  const program = compiler.createProgram(
    points.map(({ declarations }) => declarations),
    OPTIONS,
    hostOf(new Map(points.map(({ name, declarations }) => [name, declarations]))),
  );
  const checker = program.getTypeChecker();
  /** @type {Map<ts.Symbol, { name: string, place: string, text: string }>} */
  const found = new Map();
  for (const { name, declarations } of points) {
    const file = program.getSourceFile(declarations);
    const module = file && checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${declarations} exports nothing: is it built?`);
    for (const symbol of checker.getExportsOfModule(module).map((each) => original(each, checker))) {
      for (const { of, path } of [{ of: symbol, path: symbol.name }, ...methodsOf(symbol)])
        found.set(of, { name: `${name}: ${path}`, place: placeOf(of), text: textOf(of, checker) });
    }
  }
  return [...found.values()];
}

/** @param {ts.Symbol} symbol @param {ts.TypeChecker} checker */
function original(symbol, checker) {
  return symbol.flags & compiler.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** @param {ts.Symbol} symbol */
function methodsOf(symbol) {
  const members = [...(symbol.members?.values() ?? [])];
  return members
    .filter(({ declarations = [] }) => declarations.some(isPublicMethod))
    .map((of) => ({ of, path: `${symbol.name}.${of.name}` }));
}

/** @param {ts.Declaration} declaration */
function isPublicMethod(declaration) {
  if (!compiler.isMethodDeclaration(declaration) && !compiler.isMethodSignature(declaration)) return false;
  const hidden = compiler.ModifierFlags.Private | compiler.ModifierFlags.Protected;
  return (
    !compiler.isPrivateIdentifier(declaration.name) && (compiler.getCombinedModifierFlags(declaration) & hidden) === 0
  );
}

/** @param {ts.Symbol} symbol @param {ts.TypeChecker} checker */
function textOf(symbol, checker) {
  return compiler.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
}

/** The source that a symbol is declared in. @param {ts.Symbol} symbol */
function placeOf(symbol) {
  const path = symbol.declarations?.[0]?.getSourceFile().fileName ?? '';
  return relative(ROOT, path)
    .replace('/dist/', '/src/')
    .replace(/\.d\.ts$/, '.ts');
}

/**
 * A host that finds the declarations of this repository alone.
 *
 * @param {ReadonlyMap<string, string>} entries by the name that imports them
 */
function hostOf(entries) {
  const host = compiler.createCompilerHost(OPTIONS);
  host.resolveModuleNameLiterals = (literals, importer) =>
    literals.map(({ text }) => {
      const path = text.startsWith('.') ? join(dirname(importer), text.replace(/\.js$/, '.d.ts')) : entries.get(text);
      if (path === undefined || !existsSync(path)) return { resolvedModule: undefined };
      return {
        resolvedModule: { resolvedFileName: path, extension: compiler.Extension.Dts, isExternalLibraryImport: false },
      };
    });
  return host;
}
