import { BlockError } from '@blockyard/block';
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import { describe, expect, test } from 'vitest';
import { connectCache } from '../connect.js';
import { Scratch } from './scratch.js';

const SECTOR = 512;
const LINE_SECTORS = 16;

describe('Scratch memory', () => {
  test('is of one at a time, in the order in which they came', () => {
    const scratch = new Scratch(100);
    const begun: [string, number, number][] = [];
    const take = (name: string, lengthBytes: number) =>
      scratch.take(lengthBytes, (bytes) => begun.push([name, bytes.byteOffset, bytes.byteLength]));
    take('a', 60);
    take('b', 40);
    take('c', 50);
    take('d', 10);
    take('none', 0);
    expect(begun).toEqual([
      ['a', 0, 60],
      ['b', 60, 40],
      ['none', 0, 0],
    ]);
    scratch.giveBack(60);
    scratch.giveBack(0);
    expect(begun).toHaveLength(3);
    scratch.giveBack(40);
    expect(begun.slice(3)).toEqual([
      ['c', 0, 50],
      ['d', 50, 10],
    ]);
  });
});

/** A device that looks at what it has read a little later, as one with checksums does. */
function lookingAgain(sizeSectors: number) {
  const memory = createMemory({ sectorSize: SECTOR, sizeSectors });
  memory.bytes.forEach((_, at) => {
    memory.bytes[at] = 1 + (Math.floor(at / SECTOR) % 250);
  });
  const device = createReferenceDevice(memory);
  const read = device.read.bind(device);
  let reads = 0;
  device.read = async (start, buffers) => {
    reads++;
    await read(start, buffers);
    await new Promise(setImmediate);
    const found = Buffer.concat(buffers);
    const at = start * SECTOR;
    if (!found.equals(memory.bytes.subarray(at, at + found.byteLength))) {
      throw new BlockError('CORRUPT', `sectors from ${start} on do not fit their checksums`);
    }
  };
  return { device, reads: () => reads };
}

describe('What the base reads between the sectors that are wanted', () => {
  test.each([
    ['each in a read of its own', 1],
    ['in one read of many lines', 40],
  ])('has memory that no other read has, and no other part of the same read: %s', async (_, linesPerRead) => {
    const lines = 40;
    const { device, reads } = lookingAgain(lines * LINE_SECTORS);
    const options = { lineSize: LINE_SECTORS * SECTOR, maxSizeBytes: 2 << 20, readAhead: false, seed: 1 };
    const cache = await connectCache(device, options);
    for (let at = 2; at < lines * LINE_SECTORS; at += 4) await cache.write(at, [new Uint8Array(2 * SECTOR).fill(255)]);
    const sectors = linesPerRead * LINE_SECTORS;
    const targets = Array.from({ length: lines / linesPerRead }, () => new Uint8Array(sectors * SECTOR));
    await Promise.all(targets.map((target, i) => cache.read(i * sectors, [target])));
    Buffer.concat(targets).forEach((byte, at) => {
      const sector = Math.floor(at / SECTOR);
      const isWritten = sector % 4 >= 2;
      if (byte !== (isWritten ? 255 : 1 + (sector % 250))) expect.fail(`wrong byte in sector ${sector}`);
    });
    // Neither one for each gap, nor again for what was told to be damaged.
    expect(reads()).toBeLessThanOrEqual(lines);
    await cache.disconnect({ force: true });
  });
});
