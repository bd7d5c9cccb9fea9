import { createHash } from 'node:crypto';
import type { BlockDevice } from '@blockyard/block';
import { type Input, PIECE_BYTES, readInput } from './inputs/input.js';
import { SECTOR_SIZE } from './inputs/settings.js';
import type { Place } from './places/place.js';
import type { Cleanup } from './process/cleanup.js';
import { type BaseCounts, countsOf, openSession, sumOf } from './session.js';

/** What became of the input. */
export interface RoundTrip {
  readonly bytes: number;
  /** From the first write to the end of the flush. */
  readonly writeSeconds: number;
  /** From the connection to the last byte. */
  readonly readSeconds: number;
  readonly sha256Written: string;
  readonly sha256Read: string;
  readonly verified: boolean;
  readonly base: BaseCounts;
}

/** Writes the input through a cache, flushes, connects anew with another cache, reads it back. */
export async function roundTrip(
  place: Place,
  input: Input,
  cacheBytes: number,
  cleanup: Cleanup,
  onProgress: (text: string, doneBytes: number) => void,
): Promise<RoundTrip> {
  const volume = await place.create('input', Math.ceil(input.lengthBytes / SECTOR_SIZE) * SECTOR_SIZE);
  cleanup.add('remove the volume of the input', () => volume.dispose());

  const writing = await openSession(volume, cleanup, cacheBytes);
  const writeStart = performance.now();
  const sha256Written = await readInput(input, SECTOR_SIZE, async (at, piece) => {
    await writing.device.write(at / SECTOR_SIZE, [piece]);
    onProgress('writing', at + piece.byteLength);
  });
  await writing.device.flush();
  const writeSeconds = (performance.now() - writeStart) / 1000;
  await writing.device.disconnect();

  const readStart = performance.now();
  const reading = await openSession(volume, cleanup, cacheBytes);
  const sha256Read = await hashOf(reading.device, input.lengthBytes, (doneBytes) => onProgress('reading', doneBytes));
  const readSeconds = (performance.now() - readStart) / 1000;
  await reading.device.disconnect();
  await volume.dispose();

  return {
    bytes: input.lengthBytes,
    writeSeconds,
    readSeconds,
    sha256Written,
    sha256Read,
    verified: sha256Read === sha256Written,
    base: sumOf(countsOf(writing.base), countsOf(reading.base)),
  };
}

/** SHA-256 of the first `lengthBytes` of a device. */
export async function hashOf(
  device: BlockDevice,
  lengthBytes: number,
  onProgress: (doneBytes: number) => void = () => {},
): Promise<string> {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(PIECE_BYTES);
  for (let at = 0; at < lengthBytes; at += PIECE_BYTES) {
    const bytes = Math.min(PIECE_BYTES, lengthBytes - at);
    const sectors = Math.ceil(bytes / SECTOR_SIZE);
    await device.read(at / SECTOR_SIZE, [buffer.subarray(0, sectors * SECTOR_SIZE)]);
    hash.update(buffer.subarray(0, bytes));
    onProgress(at + bytes);
  }
  return hash.digest('hex');
}
