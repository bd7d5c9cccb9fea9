import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@blockyard/block';
import type { Controls } from '@blockyard/page';
import { controlsOf } from '../controls.js';
import { Laboratory, type LaboratoryOptions } from '../laboratory.js';

const PROGRAM = fileURLToPath(new URL('../../../dist/laboratory/server/main.js', import.meta.url));

const LOOK_EVERY_MS = 20;

export interface Tried {
  readonly directory: string;
  readonly laboratory: Laboratory;
  readonly controls: Controls;
  /** Reads that are to be wrong, of all tests one. */
  wrongReadsExpected: number;
  /** Sets a control, and waits for the change to end. */
  change(id: string, value?: string | number | boolean): Promise<void>;
  /** All of the story. */
  story(): string;
  /** Resolves when that is so. */
  until(isSo: () => boolean | Promise<boolean>): Promise<void>;
  control(id: string): ReturnType<Controls['list']>[number];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A small laboratory that has started. */
export async function tryLaboratory(options: Partial<LaboratoryOptions>): Promise<Tried> {
  const directory = await mkdtemp(join(tmpdir(), 'blockyard-lab-'));
  const laboratory = new Laboratory({
    directory,
    program: PROGRAM,
    sizeBytes: 8 * 2 ** 20,
    clock: systemClock,
    seed: 1,
    latencyMs: 0,
    ...options,
  });
  const controls = controlsOf(laboratory);
  laboratory.start();
  await laboratory.settled;
  return {
    directory,
    laboratory,
    controls,
    wrongReadsExpected: 0,
    async change(id, value) {
      await controls.set(id, value);
      await laboratory.settled;
    },
    story: () => laboratory.story.lines.join('\n'),
    async until(isSo) {
      while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    },
    control(id) {
      const found = controls.list().find((each) => each.id === id);
      if (found === undefined) throw new Error(`no control ${id}`);
      return found;
    },
    async [Symbol.asyncDispose]() {
      await laboratory.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
