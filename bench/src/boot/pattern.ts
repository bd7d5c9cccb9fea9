import { randomFrom } from '../random.js';

const KIB = 1024;
const MIB = 2 ** 20;

/** A read, and what the guest computes before it. */
export interface BootRead {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly thinkMs: number;
}

/** What runs at one time: each reads one after the other. */
export type BootPhase = readonly (readonly BootRead[])[];

/** Where the directories and inodes are that every file needs. */
const METADATA_BYTES = 8 * MIB;
const KERNEL_BYTES = 24 * MIB;

/**
 * A start of the kind that a Linux guest makes, the same for the same seed: kernel and initial file system in order, by 128 KiB,
 * with next to no computation; then programs and libraries all over the disk, each in order, with metadata before it and
 * computation in between; at last two services at a time, with more of both. It is made, not recorded.
 */
export function bootPattern(sizeBytes: number, seed = 14): BootPhase[] {
  const random = randomFrom(seed);
  const kernel: BootRead[] = [];
  for (let at = 0; at < KERNEL_BYTES; at += 128 * KIB) {
    kernel.push({ offsetBytes: METADATA_BYTES + at, lengthBytes: 128 * KIB, thinkMs: 0.5 });
  }
  return [[kernel], [files(random, sizeBytes, 140)], [files(random, sizeBytes, 130), files(random, sizeBytes, 130)]];
}

function files(random: () => number, sizeBytes: number, count: number): BootRead[] {
  const reads: BootRead[] = [];
  const first = METADATA_BYTES + KERNEL_BYTES;
  const think = () => -8 * Math.log(1 - random());
  for (let file = 0; file < count; file++) {
    const inode = Math.floor((random() * METADATA_BYTES) / (4 * KIB)) * 4 * KIB;
    reads.push({ offsetBytes: inode, lengthBytes: 4 * KIB, thinkMs: think() });
    // Most are small, and few make up the bytes.
    const bytes = Math.min(MIB, 8 * KIB * Math.ceil(2 ** (random() * 7)));
    const start = Math.floor((first + random() * (sizeBytes - first - bytes)) / (4 * KIB)) * 4 * KIB;
    for (let at = 0; at < bytes; ) {
      const lengthBytes = Math.min(bytes - at, 4 * KIB * 2 ** Math.floor(random() * 6));
      reads.push({ offsetBytes: start + at, lengthBytes, thinkMs: think() });
      at += lengthBytes;
    }
  }
  return reads;
}
