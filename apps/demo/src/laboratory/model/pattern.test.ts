import { expect, test } from 'vitest';
import { fillSector, NEVER, versionIn } from './pattern.js';

const filled = (sector: number, version: number) => {
  const bytes = new Uint8Array(4096);
  fillSector(bytes, sector, version);
  return bytes;
};

test('A sector tells its version, in its own place alone', () => {
  expect(versionIn(filled(7, 3), 7)).toBe(3);
  expect(versionIn(filled(7, 4_000_000_000), 7)).toBe(4_000_000_000);
  expect(versionIn(filled(7, 3), 8)).toBeUndefined();
});

test('Zeroes are what was never written', () => {
  expect(versionIn(new Uint8Array(4096), 7)).toBe(NEVER);
  const almost = new Uint8Array(4096);
  almost[4095] = 1;
  expect(versionIn(almost, 7)).toBeUndefined();
});

test('Any other byte, and a mixture of two versions, is no version', () => {
  for (const at of [0, 5, 8, 2048, 4095]) {
    const bytes = filled(7, 3);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(versionIn(bytes, 7), `byte ${at}`).not.toBe(3);
  }
  const torn = filled(7, 3);
  torn.set(filled(7, 4).subarray(0, 512));
  expect(versionIn(torn, 7)).toBeUndefined();
});
