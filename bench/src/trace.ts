import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export { hasByteAddresses, parseBtr1, parseCsv, readTrace, type Trace } from '@blockyard/cli/trace';

/** The trace files of a folder, by name; none if there is no folder. */
export async function tracesIn(folder: string | undefined): Promise<string[]> {
  if (folder === undefined) return [];
  const names = (await readdir(folder)).filter((name) => /\.(btr|csv)(\.gz)?$/.test(name)).sort();
  return names.map((name) => join(folder, name));
}
