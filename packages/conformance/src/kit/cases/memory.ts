import { deepStrictEqual, strictEqual } from '../../assertions/assertions.js';
import { concatenate } from '../../bases/bytes.js';
import { expectStamps } from '../../model/differences.js';
import {
  expand,
  expectContents,
  expectWriters,
  later,
  outcome,
  readWriters,
  refuses,
  writeStamped,
} from '../../model/expect.js';
import { stamped } from '../../model/stamp.js';
import type { Case, Need } from '../case.js';
import { otherRealm } from '../platform.js';
import { TRANSFERS } from './calls.js';
import { openWritten } from './written.js';

/** Kinds of memory that a buffer may be over, besides Node's own. */
const KINDS: readonly (readonly [kind: string, make: (byteLength: number) => Uint8Array, ...needs: Need[]])[] = [
  ['shared with other threads', (byteLength) => new Uint8Array(new SharedArrayBuffer(byteLength)), 'sharedMemory'],
  ['of another realm', foreign, 'realms'],
  ['that can be resized', resizable],
];

function foreign(byteLength: number): Uint8Array {
  const make = otherRealm();
  if (make === undefined) throw new Error('there is no other realm');
  return make(byteLength);
}

function resizable(byteLength: number): Uint8Array {
  const memory: ArrayBuffer = Reflect.construct(ArrayBuffer, [byteLength, { maxByteLength: 2 * byteLength }]);
  return new Uint8Array(memory);
}

function filled(bytes: Uint8Array, contents: Uint8Array): Uint8Array {
  bytes.set(contents);
  return bytes;
}

/** What buffers are over, and the lists that they are in. */
export const memoryCases: readonly Case[] = [
  ...KINDS.map(
    ([kind, make, ...needs]): Case => ({
      clause: 'A3',
      title: `A3: memory ${kind} is memory like any other`,
      needs,
      async run(context) {
        const device = await context.open();
        const { sectorSize, sizeSectors } = context;
        const expected = expand([[1, sizeSectors]]);
        await device.write(0, [filled(make(sizeSectors * sectorSize), stamped(1, 0, sizeSectors, sectorSize))]);
        await expectContents(device, `written from memory ${kind}`, [1, sizeSectors]);
        const read = make(sizeSectors * sectorSize);
        await device.read(0, [read]);
        expectStamps(read, 0, `read into memory ${kind}`, expected, sectorSize);
      },
    }),
  ),
  {
    clause: 'A3',
    title: 'A3: a detached buffer is refused, rather than taken for an empty one',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      for (const { name, run } of TRANSFERS) {
        const gone = new Uint8Array(sectorSize);
        structuredClone(gone.buffer, { transfer: [gone.buffer] });
        const whole = new Uint8Array(sectorSize).fill(0xee);
        await refuses('INVALID_ARGUMENT', () => run(device, [whole, gone]), `${name} with a detached buffer`);
      }
      await expectContents(device, 'after refused writes', [1, sizeSectors]);
    },
  },
  {
    clause: 'A3',
    title: 'A3: a buffer that is taken away in flight fails its own operation at most',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      const taken = [0, 1].map(() => new Uint8Array(4 * sectorSize));
      const [first, second] = taken.map((buffer, i) => {
        const call = () => (i === 0 ? device.write(0, [buffer]) : device.read(0, [buffer]));
        return later(outcome(call, 'an operation'));
      });
      const others = [later(writeStamped(device, 2, 2, 6)), later(readWriters(device)), later(device.flush())];
      for (const buffer of taken) structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
      await Promise.all([first, second, ...others]);
      await writeStamped(device, 3, 0, 4);
      await expectWriters(device, 0, 'after two buffers were taken away', [3, 4], [2, 4], [1, sizeSectors - 8]);
      await device.flush();
    },
  },
  {
    clause: 'B2',
    title: 'B2: the list can be changed as soon as the call has returned',
    async run(context) {
      const device = await context.open();
      const { sectorSize, sizeSectors } = context;
      const odd = new Uint8Array(sectorSize - 1).fill(0xee);
      const written = [stamped(1, 0, 2, sectorSize), stamped(1, 2, sizeSectors - 2, sectorSize)];
      const write = later(device.write(0, written));
      written.splice(0, 2, odd, odd, odd);
      await write;
      await expectContents(device, 'written from a list that was changed', [1, sizeSectors]);
      const buffers = [2, sizeSectors - 2].map((count) => new Uint8Array(count * sectorSize).fill(0xa5));
      const list = [...buffers];
      const read = later(device.read(0, list));
      list.splice(0, 2, odd);
      await read;
      const expected = expand([[1, sizeSectors]]);
      expectStamps(concatenate(buffers), 0, 'read into a list that was changed', expected, sectorSize);
    },
  },
  {
    clause: 'B2',
    title: 'B2: the device leaves the list as it is',
    async run(context) {
      const device = await context.open();
      const { sectorSize } = context;
      for (const { name, run } of TRANSFERS) {
        const list = [0, 1, 0, 2].map((count) => new Uint8Array(count * sectorSize));
        const before = [...list];
        await run(device, list);
        const lengths = (buffers: readonly Uint8Array[]) => buffers.map(({ byteLength }) => byteLength);
        deepStrictEqual(lengths(list), lengths(before), `the list of a ${name} must keep its buffers`);
        const same = list.every((buffer, i) => buffer === before[i]);
        strictEqual(same, true, `the list of a ${name} must keep its own buffers`);
      }
    },
  },
];
