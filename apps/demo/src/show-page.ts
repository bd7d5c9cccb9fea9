import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@blockyard/block';
import { servePage } from '@blockyard/page';
import type { PageAddress } from './inputs/settings.js';
import { controlsOf } from './laboratory/controls.js';
import { Laboratory } from './laboratory/laboratory.js';
import { sourceOf } from './laboratory/page-source.js';
import { VOLUME_BYTES } from './laboratory/setup/constants.js';
import type { Cleanup } from './process/cleanup.js';

export interface PageSurroundings {
  readonly stderr: NodeJS.WritableStream;
  readonly cleanup: Cleanup;
  /** Ends it. Left out: it ends at once. */
  readonly interruption?: AbortSignal;
  readonly serverProgram?: string;
}

/**
 * Serves the live page of a laboratory until it is interrupted. What it starts, `cleanup` ends. Gives how many reads gave what
 * they must not. Rejects if the address cannot be had.
 */
export async function showPage(address: PageAddress, surroundings: PageSurroundings): Promise<number> {
  const { stderr, cleanup, interruption, serverProgram } = surroundings;
  if (serverProgram === undefined || interruption === undefined || interruption.aborted) return 0;
  const directory = await mkdtemp(join(tmpdir(), 'blockyard-demo-'));
  cleanup.add(`remove ${directory}`, () => rm(directory, { recursive: true, force: true }));
  const laboratory = new Laboratory({
    directory,
    program: serverProgram,
    sizeBytes: VOLUME_BYTES,
    clock: systemClock,
    seed: 1,
  });
  cleanup.add('end the laboratory', () => laboratory.stop());
  // Behind the # it reaches no log, and no other host.
  const token = randomBytes(24).toString('base64url');
  const page = await servePage({
    address,
    source: sourceOf(laboratory),
    controls: controlsOf(laboratory),
    token,
    signal: interruption,
  });
  cleanup.add('end the page', async () => page.end());
  laboratory.start();
  stderr.write(`\nthe live page, until Ctrl-C: ${page.url}/#token=${token}\n`);
  if (!interruption.aborted) await once(interruption, 'abort');
  return laboratory.wrongReads;
}
