import { readFile } from 'node:fs/promises';

/** A seed that failed once. */
export interface KnownSeed {
  readonly subject: string;
  readonly seed: number;
}

/** Every seed that ever failed: `seeds.json`. */
export async function readKnownSeeds(): Promise<readonly KnownSeed[]> {
  return JSON.parse(await readFile(new URL('../seeds.json', import.meta.url), 'utf8'));
}
