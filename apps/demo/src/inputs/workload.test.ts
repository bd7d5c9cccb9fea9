import { expect, test } from 'vitest';
import { CLIENTS, makeWorkload } from './workload.js';

const VOLUME_BYTES = 32 * 2 ** 20;
const PART_BYTES = VOLUME_BYTES / CLIENTS;
const workloadOf = (operations: number) => makeWorkload({ operations, volumeBytes: VOLUME_BYTES });

test('The workload is the same each time, and has as many operations as asked for', () => {
  const [one, other] = [workloadOf(1003), workloadOf(1003)];
  expect(one.clients).toEqual(other.clients);
  expect(Buffer.compare(one.contents(), other.contents())).toBe(0);
  expect(one.clients.flat()).toHaveLength(1003);
});

test('Seven of ten operations read', () => {
  const operations = workloadOf(20_000).clients.flat();
  const reads = operations.filter(({ type }) => type === 'read').length;
  expect(reads / operations.length).toBeCloseTo(0.7, 1);
});

test('Each client keeps to its own part, on sectors', () => {
  for (const [client, operations] of workloadOf(5000).clients.entries()) {
    for (const { positionBytes, lengthBytes } of operations) {
      expect(positionBytes % 4096).toBe(0);
      expect(positionBytes).toBeGreaterThanOrEqual(client * PART_BYTES);
      expect(positionBytes + lengthBytes).toBeLessThanOrEqual((client + 1) * PART_BYTES);
    }
  }
});

test('Some places are far more popular than others', () => {
  const visits = new Map<number, number>();
  for (const { positionBytes } of workloadOf(20_000).clients.flat()) {
    const place = Math.floor(positionBytes / 65_536);
    visits.set(place, (visits.get(place) ?? 0) + 1);
  }
  const counts = [...visits.values()].sort((a, b) => b - a);
  const top = counts.slice(0, counts.length / 10).reduce((sum, count) => sum + count, 0);
  expect(top / 20_000).toBeGreaterThan(0.4);
});
