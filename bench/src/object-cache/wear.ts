import type { CachedObjectStore } from '@blockyard/object-cache';
import type { Figure } from '../figures.js';
import { randomFrom } from '../random.js';
import { CacheScene, KIB, MIB, readRange } from './scene.js';
import { OBJECT_BYTES } from './uniform-store.js';

const MEDIUM_BYTES = 256 * MIB;
const OBJECTS = 128; // 1 GiB
const SEED = 14;

interface Access {
  readonly object: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What is read, and after which of the rounds the process begins anew. */
interface Trace {
  readonly name: string;
  readonly rounds: readonly (readonly Access[])[];
  /** Bytes written to the medium for each byte read, at most. */
  readonly atMost: number;
}

/** What reads cost a medium of 256 MiB over 1 GiB of objects. */
export async function wear(directory: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const trace of [scan(), zipf(), boot()]) figures.push(...(await play(directory, trace)));
  return figures;
}

async function play(directory: string, { name, rounds, atMost }: Trace): Promise<Figure[]> {
  const scene = new CacheScene(directory, 'wear');
  const sums = { servedBytes: 0, writtenBytes: 0, hitBytes: 0, fetchedBytes: 0, mediumReadBytes: 0 };
  const figures: Figure[] = [];
  try {
    for (const [round, accesses] of rounds.entries()) {
      const cache = await scene.open(MEDIUM_BYTES);
      await cache.idle();
      const before = { ...sums };
      sums.servedBytes += await readAll(cache, accesses);
      await scene.close(cache);
      const { hitBytes, fetchedBytes, medium } = cache.snapshot();
      sums.hitBytes += hitBytes;
      sums.fetchedBytes += fetchedBytes;
      sums.writtenBytes += medium.writtenBytes;
      sums.mediumReadBytes += medium.readBytes;
      const share = (sums.hitBytes - before.hitBytes) / (sums.servedBytes - before.servedBytes);
      if (rounds.length > 1) figures.push({ work: name, name: `hits, round ${round + 1}`, value: share, unit: '' });
    }
  } finally {
    await scene.dispose();
  }
  const per = (bytes: number, of: number) => bytes / Math.max(1, of);
  const { servedBytes, writtenBytes, hitBytes, fetchedBytes, mediumReadBytes } = sums;
  return [
    ...figures,
    { work: name, name: 'hits', value: per(hitBytes, servedBytes), unit: '' },
    {
      work: name,
      name: 'written to the medium per byte read',
      value: per(writtenBytes, servedBytes),
      unit: '',
      atMost,
    },
    { work: name, name: 'fetched per byte read', value: per(fetchedBytes, servedBytes), unit: '', atMost: 1.3 },
    ...(hitBytes > 0
      ? [
          {
            work: name,
            name: 'read from the medium per byte it served',
            value: per(mediumReadBytes, hitBytes),
            unit: '',
          },
        ]
      : []),
  ];
}

async function readAll(cache: CachedObjectStore, accesses: readonly Access[]): Promise<number> {
  let bytes = 0;
  for (const { object, offset, lengthBytes } of accesses) {
    await readRange(cache, `log/${object}`, offset, lengthBytes);
    bytes += lengthBytes;
  }
  return bytes;
}

/** All of it once, 256 KiB at a time. */
function scan(): Trace {
  const accesses: Access[] = [];
  for (let object = 0; object < OBJECTS; object++) {
    for (let offset = 0; offset < OBJECT_BYTES; offset += 256 * KIB)
      accesses.push({ object, offset, lengthBytes: 256 * KIB });
  }
  return { name: 'scan', rounds: [accesses], atMost: 0.01 };
}

/** 64 KiB at a time, drawn with a probability of 1 / rank, anywhere. */
function zipf(): Trace {
  const random = randomFrom(SEED);
  const blocks = (OBJECTS * OBJECT_BYTES) / (64 * KIB);
  const order = shuffled(blocks, random);
  const logBlocks = Math.log(blocks);
  const accesses = Array.from({ length: 60_000 }, () => {
    const rank = Math.min(blocks - 1, Math.floor(Math.exp(random() * logBlocks)));
    const at = (order[rank] ?? 0) * 64 * KIB;
    return { object: Math.floor(at / OBJECT_BYTES), offset: at % OBJECT_BYTES, lengthBytes: 64 * KIB };
  });
  return { name: 'zipf', rounds: [accesses], atMost: 0.5 };
}

/** Some 100 MiB in pieces of 4 to 64 KiB, with runs, the same in each of four boots. */
function boot(): Trace {
  const random = randomFrom(SEED + 1);
  const accesses: Access[] = [];
  for (let run = 0; run < 600; run++) {
    const object = Math.floor(random() * OBJECTS);
    let offset = Math.floor(random() * (OBJECT_BYTES / 2 / (4 * KIB))) * 4 * KIB;
    for (let left = 1 + Math.floor(random() * 12); left > 0; left--) {
      const lengthBytes = 4 * KIB * 2 ** Math.floor(random() * 5);
      accesses.push({ object, offset, lengthBytes });
      offset += lengthBytes;
    }
  }
  return { name: 'boot', rounds: [accesses, accesses, accesses, accesses], atMost: 0.5 };
}

function shuffled(count: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [order[i], order[other]] = [order[other] ?? 0, order[i] ?? 0];
  }
  return order;
}
