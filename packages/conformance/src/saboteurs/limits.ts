import type { Operation } from '@blockyard/block';
import { byteLengthOf, createDevice, sliceBuffers } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { sparseDriver } from '../bases/sparse.js';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, silent, spoil, wrapperSaboteur } from './saboteur.js';

const IN_FLIGHT_MAX = 100;
/** What one call of Linux moves, at most. */
const TRANSFER_BYTES_MAX = 2 ** 31 - 4096;
const HUGE_SECTORS = 2 ** 40;

/** Delays each call a little, and does something else for calls beyond the limit. */
function limited<T>(call: () => Promise<T>, beyond: () => Promise<T>, state: { inFlight: number }): Promise<T> {
  if (state.inFlight >= IN_FLIGHT_MAX) return beyond();
  state.inFlight++;
  return macrotasks(1)
    .then(call)
    .finally(() => {
      state.inFlight--;
    });
}

const never = () => new Promise<never>(() => {});

/** Carries calls out, but for those beyond the limit, which succeed and do nothing. */
function dropsBeyond(): (call: () => Promise<void>) => Promise<void> {
  const state = { inFlight: 0 };
  return (call) => limited(call, async () => {}, state);
}

/** What of a list one call of the system would move. */
function firstPart(buffers: readonly Uint8Array[]): readonly Uint8Array[] {
  const bytes = byteLengthOf(buffers);
  return bytes <= TRANSFER_BYTES_MAX ? buffers : sliceBuffers(buffers, 0, TRANSFER_BYTES_MAX);
}

function hangsBeyond(operation: 'read' | 'flush' | 'extents'): Saboteur {
  return silent(
    saboteur('O2', `forgets each ${operation} beyond a hundred in flight`, (good) => {
      const state = { inFlight: 0 };
      return {
        [operation]: (...args: unknown[]) =>
          limited(() => Reflect.apply(good[operation as Operation], good, args) as Promise<unknown>, never, state),
      };
    }),
  );
}

/** Those with limits that they do not tell. */
export const limitSaboteurs: readonly Saboteur[] = [
  hangsBeyond('read'),
  hangsBeyond('flush'),
  hangsBeyond('extents'),
  saboteur('O2', 'drops each write beyond a hundred in flight', (good) => {
    const drop = dropsBeyond();
    return {
      write(start, buffers) {
        const copies = buffers.map((buffer) => new Uint8Array(buffer));
        return drop(() => good.write(start, copies));
      },
    };
  }),
  saboteur('O2', 'drops each discard beyond a hundred in flight', (good) => {
    const drop = dropsBeyond();
    return { discard: (start, count) => drop(() => good.discard(start, count)) };
  }),
  saboteur('O2', 'drops each resize beyond a hundred in flight', (good) => {
    const drop = dropsBeyond();
    return { resize: (sizeSectors) => drop(() => good.resize(sizeSectors)) };
  }),
  {
    name: 'ends a read after two gibibytes',
    clause: 'B3',
    subject: {
      name: 'ends a read after two gibibytes',
      persistent: false,
      readOnly: false,
      hugeSectors: HUGE_SECTORS,
      create: async (shape) => ({
        connect: async () =>
          spoil(createDevice(sparseDriver(shape)), (good) => ({
            read: (start, buffers) => good.read(start, firstPart(buffers)),
          })),
        dispose: async () => {},
      }),
    },
  },
  wrapperSaboteur('O1', 'ends a write after two gibibytes', (base) =>
    spoil(passThrough(base), (good) => ({ write: (start, buffers) => good.write(start, firstPart(buffers)) })),
  ),
];
