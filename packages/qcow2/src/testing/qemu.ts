import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

type Tool = 'qemu-img' | 'qemu-io';

function isThere(tool: Tool): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * A `describe` that needs qemu's programs. Without them its tests are skipped; with `BLOCKYARD_REQUIRE_TOOLS=1` they run, and
 * fail.
 */
export function describeWithQemu(title: string, body: () => void): void {
  const isPossible = process.env.BLOCKYARD_REQUIRE_TOOLS === '1' || (isThere('qemu-img') && isThere('qemu-io'));
  if (isPossible) describe(title, body);
  else describe.skip(`${title} (needs qemu-img and qemu-io: apt-get install qemu-utils)`, body);
}

/** Runs a program in a folder. Rejects, with all it said, if it fails. */
export function run(cwd: string, tool: Tool, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(tool, args, { cwd, env: { ...process.env, LC_ALL: 'C' } }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${tool} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`));
    });
  });
}
