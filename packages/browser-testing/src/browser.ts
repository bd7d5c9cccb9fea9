import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

/** It is to reach the test's own server on loopback, and no one else. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
];

/**
 * Whether there is a browser for tests to run in, which `scripts/install-test-tools.sh` installs. With
 * `BLOCKYARD_REQUIRE_TOOLS=1` there has to be one: tests run, and fail without.
 */
export function hasBrowser(): boolean {
  return process.env.BLOCKYARD_REQUIRE_TOOLS === '1' || findBrowser() !== undefined;
}

/** Starts it without a window, with a profile of its own, which is in memory. Rejects if there is none. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch(settings());
}

/** Starts it with the profile in this folder, which is made if it is not there: what pages store outlives the browser. */
export async function launchProfile(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, settings());
}

function settings(): { readonly executablePath: string; readonly args: string[] } {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error(`none of ${PROGRAMS.join(', ')} is installed`);
  // Chromium refuses to run as root within its sandbox.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return { executablePath, args: [...QUIET, ...sandbox] };
}

function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
