import { BlockError, checkSectorSize, checkSize } from '@blockyard/block';
import type { Medium } from './medium.js';
import { checkChunkBytes } from './options.js';

/** What a volume is; stored beside its chunks. */
export interface Header {
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly chunkBytes: number;
}

const KEY = 'volume.json';
const FORMAT = { format: 'blockyard-template', version: 1 };

/** The header, or undefined if there is no volume. `CORRUPT` for what is none, `UNSUPPORTED` for one of a later version. */
export async function readHeader(medium: Medium): Promise<Header | undefined> {
  const bytes = await medium.get(KEY);
  if (bytes === undefined) return undefined;
  const found = parse(bytes);
  if (found?.format !== FORMAT.format) throw new BlockError('CORRUPT', `${KEY} is not that of a volume of template`);
  if (found.version !== FORMAT.version) {
    throw new BlockError('UNSUPPORTED', `version ${found.version} of a volume of template is not known`);
  }
  try {
    const { sectorSize, sizeSectors, chunkBytes } = found;
    checkSectorSize(sectorSize);
    checkSize(sizeSectors, sectorSize);
    checkChunkBytes(chunkBytes, sectorSize);
    return { sectorSize, sizeSectors, chunkBytes };
  } catch (cause) {
    throw new BlockError('CORRUPT', `${KEY}: ${(cause as Error).message}`, { cause });
  }
}

/** Durable when it resolves. */
export async function writeHeader(medium: Medium, header: Header): Promise<void> {
  await medium.put(KEY, new TextEncoder().encode(`${JSON.stringify({ ...FORMAT, ...header })}\n`));
  await medium.sync();
}

export async function deleteHeader(medium: Medium): Promise<void> {
  await medium.delete(KEY);
  await medium.sync();
}

function parse(bytes: Uint8Array): Partial<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
