import { randomBytes } from 'node:crypto';
import { isId } from './root.js';

/**
 * Who wrote an object, in its user metadata: answers to GET and HEAD bring it along.
 *
 * By the epoch a writer finds out that a later one has been here. By the id it recognizes its own write when the answer to
 * a PUT was lost.
 */
export interface Stamp {
  readonly volumeId: string;
  readonly epoch: number;
  /** Random, one for each PUT. */
  readonly writeId: string;
}

/** One short header: `<volumeId>/<epoch>/<writeId>`. */
const METADATA_NAME = 'blockyard';

/**
 * A data object begins with the 16 bytes of its write id; the volume's bytes follow.
 *
 * Most stores make an ETag of the contents alone, so contents that come back would bring their ETag back, and a PUT that was
 * meant for the first of them (a late one, or one of a writer that has been replaced) would pass its If-Match. With the id in
 * front no two versions of an object are alike, and compare-and-swap on the ETag means what it says.
 */
export const HEADER_BYTES = 16;

export function newId(): string {
  return randomBytes(HEADER_BYTES).toString('hex');
}

/** Writes the id into the first bytes of an object. */
export function putHeader(object: Uint8Array, writeId: string): void {
  object.set(Buffer.from(writeId, 'hex'), 0);
}

export function encodeStamp({ volumeId, epoch, writeId }: Stamp): Record<string, string> {
  return { [METADATA_NAME]: `${volumeId}/${epoch}/${writeId}` };
}

/** Undefined if the object has no stamp, and so was not written by this package. */
export function decodeStamp(metadata: Readonly<Record<string, string>> | undefined): Stamp | undefined {
  const [volumeId, epoch, writeId, ...rest] = metadata?.[METADATA_NAME]?.split('/') ?? [];
  const number = /^\d+$/.test(epoch ?? '') ? Number(epoch) : Number.NaN;
  if (!isId(volumeId) || !isId(writeId) || !Number.isSafeInteger(number) || rest.length > 0) return undefined;
  return { volumeId, epoch: number, writeId };
}
