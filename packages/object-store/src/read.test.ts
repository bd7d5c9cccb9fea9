import { expect, test } from 'vitest';
import { sinkInto } from './read.js';

test('pieces of any size fill buffers of any size, the rest is zeroes, and too much is told', () => {
  const buffers = [3, 1, 4].map((length) => new Uint8Array(length).fill(0xee));
  const sink = sinkInto(buffers);
  sink.push(Uint8Array.of(1, 2));
  sink.push(Uint8Array.of(3, 4, 5));
  sink.end();
  expect(buffers.flatMap((buffer) => [...buffer])).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
  expect(() => sink.push(Uint8Array.of(6))).toThrow('room');
});
