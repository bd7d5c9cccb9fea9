import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from './run-program.js';

const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** As strict as a consumer may be. */
const STRICT = {
  target: 'ES2022',
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
};

/** What the compiler has to say of files in a folder: nothing, if all is well. */
export async function typeCheck(folder: string, files: readonly string[], compilerOptions: object): Promise<string> {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const config = { compilerOptions: { ...STRICT, ...compilerOptions }, files };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const { exitCode, output } = await run(process.execPath, [TSC, '-p', 'tsconfig.json'], { cwd: folder });
  return exitCode === 0 ? output : output || `tsc ended with ${exitCode}`;
}
