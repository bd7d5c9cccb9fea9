import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import { expect, test } from 'vitest';
import { collect, runCases } from './cases.js';

const subject = (spoil: boolean) => ({
  name: 'reference',
  persistent: true,
  sectorSizes: [512],
  async create(shape: { sectorSize: number; sizeSectors: number }) {
    const memory = createMemory(shape);
    return {
      connect: async (options: { readOnly?: boolean } = {}) => {
        const device = createReferenceDevice(memory, options);
        return spoil ? Object.assign(device, { extents: async () => [] }) : device;
      },
      dispose: async () => {},
    };
  },
});

test('a device that keeps the contract passes every case, and one that does not is found', async () => {
  const good = await runCases(collect(subject(false)));
  expect(good.failed).toEqual([]);
  expect(good.passed).toBeGreaterThan(100);
  const bad = await runCases(collect(subject(true)).filter(({ title }) => title.includes('Z')));
  expect(bad.failed.length).toBeGreaterThan(0);
  expect(bad.failed[0]?.title).toMatch(/^reference.* > /);
});
