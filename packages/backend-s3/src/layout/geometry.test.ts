import { expect, test } from 'vitest';
import { Geometry } from './geometry.js';

test('a list of buffers is split at the borders of objects', () => {
  const geometry = new Geometry({ sectorSize: 512, objectSizeBytes: 2048, sizeSectors: 100 });
  const bytes = Uint8Array.from({ length: 512 * 9 }, (_, position) => Math.floor(position / 512) + 1);
  const buffers = [bytes.subarray(0, 512), bytes.subarray(512, 512 * 6), bytes.subarray(512 * 6)];
  const parts = [...geometry.split(3, buffers)];
  expect(parts.map(({ index, offset, lengthBytes }) => [index, offset, lengthBytes])).toEqual([
    [0, 1536, 512],
    [1, 0, 2048],
    [2, 0, 2048],
  ]);
  expect(parts.map((part) => part.buffers.map((buffer) => [buffer[0], buffer.byteLength]))).toEqual([
    [[1, 512]],
    [[2, 2048]],
    [
      [6, 512],
      [7, 1536],
    ],
  ]);
});

test('a device that ends within an object has less data there', () => {
  const geometry = new Geometry({ sectorSize: 512, objectSizeBytes: 2048, sizeSectors: 5 });
  expect(geometry.objectCount).toBe(2);
  expect([0, 1, 2].map((index) => geometry.dataBytesOf(index))).toEqual([2048, 512, 2048]);
});
