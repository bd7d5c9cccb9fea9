import { BlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { createReferenceDevice } from '../bases/reference.js';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, spoil, wrapperSaboteur } from './saboteur.js';

/** Later than the caller has a reason to expect. */
const LATE_MS = 30;

function lateMs(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LATE_MS));
}

/** Those that do something again after it is over. */
export const overSaboteurs: readonly Saboteur[] = [
  saboteur('B3', 'fills the buffers of a read again after it has resolved', (good) => ({
    async read(start, buffers) {
      const found = buffers.map((buffer) => new Uint8Array(buffer.byteLength));
      await good.read(start, found);
      const fill = () => {
        for (const [i, bytes] of found.entries()) buffers[i]?.set(bytes);
      };
      fill();
      lateMs().then(fill, () => {});
    },
  })),
  saboteur('B3', 'fills the buffers of a read that it has rejected when it was given up', (good) => {
    let giveUp: (error: Error) => void = () => {};
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    givenUp.catch(() => {});
    return {
      read(start, buffers) {
        const found = buffers.map((buffer) => new Uint8Array(buffer.byteLength).fill(1));
        const work = good.read(start, found).then(async () => {
          await lateMs();
          for (const [i, bytes] of found.entries()) buffers[i]?.set(bytes);
        });
        return Promise.race([work, givenUp]);
      },
      disconnect(options) {
        if (options?.force) giveUp(new BlockError('DISCONNECTED', 'given up'));
        return good.disconnect(options);
      },
    };
  }),
  wrapperSaboteur('B3', 'tries a read that it has rejected again, into the same buffers', (base) =>
    spoil(passThrough(base), (good) => ({
      read: (start, buffers) =>
        good.read(start, buffers).catch((error: unknown) => {
          lateMs()
            .then(() => good.read(start, buffers))
            .catch(() => {});
          throw error;
        }),
    })),
  ),
  saboteur('O1', 'writes a second time what it took for lost', (good) => ({
    async write(start, buffers) {
      const copies = buffers.map((buffer) => new Uint8Array(buffer));
      await good.write(start, buffers);
      lateMs()
        .then(() => good.write(start, copies))
        .catch(() => {});
    },
  })),
  saboteur('O1', 'discards a second time what it took for lost', (good) => ({
    async discard(start, count) {
      await good.discard(start, count);
      lateMs()
        .then(() => good.discard(start, count))
        .catch(() => {});
    },
  })),
  saboteur('D2', 'lets a write that was given up come later, over a newer one', (good, memory) => {
    let isGivenUp = false;
    return {
      async write(start, buffers) {
        const copies = buffers.map((buffer) => new Uint8Array(buffer));
        await macrotasks(1);
        if (!isGivenUp) return good.write(start, buffers);
        lateMs()
          .then(() => createReferenceDevice(memory).write(start, copies))
          .catch(() => {});
        throw new BlockError('DISCONNECTED', 'given up');
      },
      disconnect(options) {
        isGivenUp = options?.force ?? false;
        return good.disconnect(options);
      },
    };
  }),
  wrapperSaboteur('D2', 'keeps trying a write that it has rejected', (base) =>
    spoil(passThrough(base), (good) => ({
      write(start, buffers) {
        const copies = buffers.map((buffer) => new Uint8Array(buffer));
        return good.write(start, buffers).catch((error: unknown) => {
          lateMs()
            .then(() => good.write(start, copies))
            .catch(() => {});
          throw error;
        });
      },
    })),
  ),
];
