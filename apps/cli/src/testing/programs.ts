import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** Folders that are not on everybody's PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

function find(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Whether these programs are there, which `scripts/install-test-tools.sh` installs. With `BLOCKYARD_REQUIRE_TOOLS=1` they have to
 * be, and tests fail without.
 */
export function havePrograms(programs: readonly string[]): boolean {
  return process.env.BLOCKYARD_REQUIRE_TOOLS === '1' || programs.every((program) => find(program) !== undefined);
}

/** What a program prints. Rejects if it fails. */
export async function runProgram(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(find(program) ?? program, args, {
    // fio leaves a file behind where it runs.
    cwd: tmpdir(),
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout;
}
