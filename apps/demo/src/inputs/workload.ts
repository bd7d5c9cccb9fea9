import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { zipf } from './zipf.js';

const MIB = 2 ** 20;

/** Each has one operation in flight at a time, in a part of the volume that is its own. */
export const CLIENTS = 8;

const SEED = 20_260_801;
/** Popular and unpopular places are of this size. */
const PLACE_BYTES = 64 * 1024;
const OPERATION_BYTES = [4096, 8192, 16_384, 32_768, 65_536] as const;
const SCAN_SHARE = 0.2;
/** Of what is no scan, so that seven of ten operations read. */
const READ_SHARE = 0.625;
/** Random bytes that writes take theirs from. */
const POOL_BYTES = 4 * MIB;

export interface Operation {
  readonly type: 'read' | 'write';
  readonly positionBytes: number;
  readonly lengthBytes: number;
  /** Where in the pool the bytes to write begin. */
  readonly poolBytes: number;
}

export interface WorkloadSize {
  readonly operations: number;
  /** What they work on: a whole number of MiB. */
  readonly volumeBytes: number;
}

/** The same at every run: what is on the volume at first, and what each client does, in order. */
export interface Workload extends WorkloadSize {
  readonly clients: readonly (readonly Operation[])[];
  readonly pool: Uint8Array;
  /** A new copy of the contents to begin with. */
  contents(): Uint8Array;
}

/** `operations` reads and writes: seven to three, four in five of them at popular places, one in five the next of a scan. */
export function makeWorkload({ operations, volumeBytes }: WorkloadSize): Workload {
  const partBytes = volumeBytes / CLIENTS;
  const random = xoroshiro128plus(SEED);
  const pool = randomBytes(random, POOL_BYTES);
  const contentsSeed = random.next();
  const clients = Array.from({ length: CLIENTS }, (_, client) => {
    const count = Math.floor(operations / CLIENTS) + (client < operations % CLIENTS ? 1 : 0);
    return clientOperations(random, { start: client * partBytes, bytes: partBytes }, count);
  });
  const contents = () => contentsOf(pool, volumeBytes, xoroshiro128plus(contentsSeed));
  return { operations, volumeBytes, clients, pool, contents };
}

function clientOperations(
  random: RandomGenerator,
  part: { readonly start: number; readonly bytes: number },
  count: number,
): Operation[] {
  const places = part.bytes / PLACE_BYTES;
  const nextPlace = zipf(random, places);
  let scanned = 0;
  return Array.from({ length: count }, () => {
    if (uniformFloat64(random) < SCAN_SHARE) {
      const positionBytes = part.start + (scanned++ % places) * PLACE_BYTES;
      return { type: 'read', positionBytes, lengthBytes: PLACE_BYTES, poolBytes: 0 };
    }
    const lengthBytes = OPERATION_BYTES[uniformInt(random, 0, OPERATION_BYTES.length - 1)] ?? PLACE_BYTES;
    const within = uniformInt(random, 0, PLACE_BYTES / lengthBytes - 1) * lengthBytes;
    return {
      type: uniformFloat64(random) < READ_SHARE ? 'read' : 'write',
      positionBytes: part.start + nextPlace() * PLACE_BYTES + within,
      lengthBytes,
      poolBytes: uniformInt(random, 0, POOL_BYTES - lengthBytes),
    };
  });
}

function randomBytes(random: RandomGenerator, lengthBytes: number): Uint8Array {
  return new Uint8Array(Int32Array.from({ length: lengthBytes / 4 }, () => random.next()).buffer);
}

/** Random bytes from the pool, each MiB from elsewhere in it. */
function contentsOf(pool: Uint8Array, volumeBytes: number, random: RandomGenerator): Uint8Array {
  const contents = new Uint8Array(volumeBytes);
  for (let at = 0; at < volumeBytes; at += MIB) {
    const from = uniformInt(random, 0, POOL_BYTES - MIB);
    contents.set(pool.subarray(from, from + MIB), at);
  }
  return contents;
}
