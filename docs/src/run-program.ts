import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly exitCode: number;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  return new Promise((resolve) => {
    const environment = { ...process.env, ...options.env };
    // What vitest sets for itself is not for its children.
    for (const name of ['NODE_OPTIONS', 'VITEST', 'NODE_ENV', 'NODE_TEST_CONTEXT', 'FORCE_COLOR'])
      delete environment[name];
    execFile(program, args, { cwd: options.cwd, env: environment, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ exitCode, output: `${stdout}${stderr}` });
    });
  });
}

/** A directory in which `@blockyard/...` is installed, as in a user's project. */
export async function makeProject(): Promise<{ readonly directory: string; dispose(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'blockyard-docs-'));
  await symlink(join(ROOT, 'docs', 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  return { directory, dispose: () => rm(directory, { recursive: true }) };
}
