import { BlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { type Saboteur, saboteur, silent } from './saboteur.js';

function refuseUnless(isKnown: boolean): void {
  if (!isKnown) throw new BlockError('INVALID_ARGUMENT', 'this is no buffer');
}

/** Those that are particular about buffers, or careless with lists. */
export const memorySaboteurs: readonly Saboteur[] = [
  saboteur('A3', 'knows only the Uint8Array of its own realm', (good) => ({
    async write(start, buffers) {
      if (Array.isArray(buffers)) refuseUnless(buffers.every((buffer) => buffer instanceof Uint8Array));
      await good.write(start, buffers);
    },
  })),
  saboteur('A3', 'refuses memory that is shared', (good) => ({
    async read(start, buffers) {
      if (Array.isArray(buffers)) {
        refuseUnless(buffers.every((each) => !(each?.buffer instanceof SharedArrayBuffer)));
      }
      await good.read(start, buffers);
    },
  })),
  saboteur('A3', 'takes a detached buffer for an empty one', (good) => ({
    write: (start, buffers) =>
      good.write(start, Array.isArray(buffers) ? buffers.filter((each) => each?.byteLength !== 0) : buffers),
  })),
  silent(
    saboteur('A3', 'waits for ever where a buffer was taken away', (good) => ({
      async write(start, buffers) {
        const lengths = Array.isArray(buffers) ? buffers.map((each) => each?.byteLength) : [];
        const list = Array.isArray(buffers) ? [...buffers] : buffers;
        await macrotasks(1);
        while (lengths.some((length, i) => list[i]?.byteLength !== length)) await macrotasks(1);
        await good.write(start, list);
      },
    })),
  ),
  saboteur('B2', 'looks at the list only when it begins', (good) => ({
    write: (start, buffers) => macrotasks(1).then(() => good.write(start, buffers)),
  })),
  saboteur('B2', 'takes the buffers out of the list one by one', (good) => ({
    async read(start, buffers) {
      await good.read(start, buffers);
      (buffers as Uint8Array[]).length = 0;
    },
  })),
];
