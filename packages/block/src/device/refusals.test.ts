import { describe, expect, test } from 'vitest';
import { ByteView } from '../bulk/byte-view.js';
import { copy } from '../bulk/copy.js';
import { fill } from '../bulk/fill.js';
import { type BlockDevice, type BlockDriver, createDevice, type Extent } from '../index.js';
import { memoryDriver } from '../testing.js';

/** A device of 16 sectors of 512 bytes. */
const device = (more: Partial<BlockDriver> = {}): BlockDevice => createDevice({ ...memoryDriver(512, 16), ...more });
const refusal = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('A view of bytes', () => {
  test.each([
    [100, undefined, 'UNALIGNED', 'offset 100 is not whole sectors of 512 bytes of memory'],
    [0, 100, 'UNALIGNED', 'length 100 is not whole sectors of 512 bytes of memory'],
    [-512, undefined, 'INVALID_ARGUMENT', 'offset must be a non-negative safe integer'],
    [0, -512, 'INVALID_ARGUMENT', 'length must be a non-negative safe integer'],
    [9 * 1024, undefined, 'OUT_OF_BOUNDS', 'the bytes from 9216 end past the 8192 bytes of memory'],
    [9 * 1024, 0, 'OUT_OF_BOUNDS', '0 bytes from 9216 end past'],
    [512, 8192, 'OUT_OF_BOUNDS', '8192 bytes from 512 end past the 8192 bytes of memory'],
  ])('from %i of length %s is %s', (offsetBytes, lengthBytes, code, message) => {
    expect(() => new ByteView(device(), offsetBytes, lengthBytes)).toThrow(refusal(code, message));
  });

  test('may begin at the very end', () => {
    expect(new ByteView(device(), 8192).lengthBytes).toBe(0);
  });
});

describe('A driver whose extents are wrong', () => {
  test.each<[string, Extent[], string]>([
    [
      'begin late',
      [{ start: 1, count: 15, type: 'data' }],
      'must go on at sector 0 with at least one, not at 1 with 15',
    ],
    [
      'leave a gap',
      [
        { start: 0, count: 4, type: 'data' },
        { start: 5, count: 11, type: 'zero' },
      ],
      'must go on at sector 4 with at least one, not at 5 with 11',
    ],
    ['are of half a sector', [{ start: 0, count: 0.5, type: 'data' }], 'not at 0 with 0.5'],
    ['are empty', [{ start: 0, count: 0, type: 'data' }], 'not at 0 with 0'],
    ['are of no type', [{ start: 0, count: 16, type: 'hole' as 'zero' }], 'hole is no type of extent'],
    ['end early', [{ start: 0, count: 15, type: 'data' }], 'extents must end at sector 16, not at 15'],
  ])('because they %s is told', async (_, extents, message) => {
    await expect(device({ extents: async () => extents }).extents(0, 16)).rejects.toThrow(message);
  });

  test('is told where they should have ended, also in the middle of the device', async () => {
    const short = device({ extents: async (start, count) => [{ start, count: count - 1, type: 'data' }] });
    await expect(short.extents(4, 8)).rejects.toThrow('extents must end at sector 12, not at 11');
  });
});

describe('What copies and fills', () => {
  test('refuses a target that is read-only, by name, also if there is nothing to do', async () => {
    const readOnly = device({ name: 'shut', readOnly: true });
    await expect(copy(device(), readOnly)).rejects.toEqual(
      refusal('READ_ONLY', 'cannot copy to shut, which is read-only'),
    );
    await expect(fill(readOnly, 1)).rejects.toEqual(refusal('READ_ONLY', 'cannot fill shut, which is read-only'));
    await expect(fill(readOnly, 1, { lengthBytes: 0 })).rejects.toEqual(refusal('READ_ONLY', 'cannot fill shut'));
  });

  test('refuses a range of one device that overlaps itself, however it lies, and no other', async () => {
    const one = device();
    const overlap = refusal('INVALID_ARGUMENT', 'cannot copy memory onto an overlapping range of itself');
    for (const [fromOffsetBytes, toOffsetBytes] of [
      [1024, 2048],
      [2048, 1024],
    ] as const) {
      await expect(copy(one, one, { fromOffsetBytes, toOffsetBytes, lengthBytes: 1536 })).rejects.toEqual(overlap);
      await copy(one, one, { fromOffsetBytes, toOffsetBytes, lengthBytes: 1024 });
    }
  });

  test.each([
    [{ maxConcurrency: 0 }, 'INVALID_ARGUMENT', 'maxConcurrency must be an integer from 1 to'],
    [{ maxConcurrency: 1.5 }, 'INVALID_ARGUMENT', 'maxConcurrency must be an integer from 1 to'],
    [{ maxConcurrency: 100_000 }, 'INVALID_ARGUMENT', 'not 100000'],
    [{ pieceBytes: 0 }, 'INVALID_ARGUMENT', 'pieceBytes must be an integer from 1 to'],
    [{ pieceBytes: 2 ** 40 }, 'INVALID_ARGUMENT', `not ${2 ** 40}`],
    [{ pieceBytes: -1 }, 'INVALID_ARGUMENT', 'pieceBytes must be an integer from 1 to'],
    [{ pieceBytes: 1 }, 'UNALIGNED', 'pieceBytes 1 is not whole sectors of 512 bytes'],
  ])('refuses %o', async (options, code, message) => {
    await expect(fill(device(), 1, options)).rejects.toEqual(refusal(code, message));
  });

  test.each([
    [256, 'a pattern byte must be 0 to 255, not 256'],
    [-1, 'a pattern byte must be 0 to 255, not -1'],
    [new Uint8Array(0), 'a pattern must be a byte, a Uint8Array that is not empty, or a function'],
    ['x' as never, 'a pattern must be a byte'],
    [() => new Uint8Array(100), 'the pattern of 16 sectors must be 8192 bytes'],
  ])('refuses the pattern %s', async (pattern, message) => {
    await expect(fill(device(), pattern)).rejects.toEqual(refusal('INVALID_ARGUMENT', message));
  });

  test('takes every byte as a pattern', async () => {
    const one = device();
    for (const byte of [255, 0]) {
      await fill(one, byte);
      const sector = new Uint8Array(512);
      await one.read(15, [sector]);
      expect(sector).toEqual(new Uint8Array(512).fill(byte));
    }
  });
});

describe('A refusal of the device', () => {
  const sector = () => new Uint8Array(512);

  test('names the operation, the device and, where there is one, the range', async () => {
    const one = device();
    await expect(one.read(16, [sector()])).rejects.toMatchObject({
      message: "read on memory, 1 sectors from 16: the range ends past the device's 16 sectors",
    });
    await expect(one.read(-1, [sector()])).rejects.toThrow('start must be');
    await expect(one.extents(-1, 1)).rejects.toMatchObject({
      operation: 'extents',
      message: expect.stringContaining('start must be'),
    });
    await expect(one.extents(0, -1)).rejects.toThrow('count must be');
    await expect(one.discard(-1, 1)).rejects.toThrow('start must be');
    await expect(one.discard(0, -1)).rejects.toThrow('count must be');
    await expect(one.flush({ start: 0, count: 17 })).rejects.toMatchObject({
      operation: 'flush',
      message: "flush on memory, 17 sectors from 0: the range ends past the device's 16 sectors",
    });
    await expect(one.flush({ start: -1, count: 1 })).rejects.toMatchObject({ operation: 'flush' });
    await expect(one.resize(-1)).rejects.toMatchObject({
      operation: 'resize',
      message: 'resize on memory: sizeSectors must be a non-negative safe integer, not -1',
    });
  });

  test('says that it is read-only, or disconnected', async () => {
    const readOnly = device({ readOnly: true });
    await expect(readOnly.write(0, [sector()])).rejects.toMatchObject({
      message: 'write on memory, 1 sectors from 0: the device is read-only',
    });
    await expect(readOnly.resize(1)).rejects.toMatchObject({
      operation: 'resize',
      message: expect.stringContaining('read-only'),
    });
    await readOnly.disconnect();
    await expect(readOnly.flush()).rejects.toMatchObject({ message: 'flush on memory: the device was disconnected' });
  });

  test('of a driver with a strange size of transfers names it', () => {
    expect(() => device({ preferredIoBytes: 1000 })).toThrow('preferredIoBytes 1000 is not whole sectors');
    expect(() => device({ preferredIoBytes: -1 })).toThrow('preferredIoBytes must be');
  });
});
