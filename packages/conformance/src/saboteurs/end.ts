import { isBlockError } from '@blockyard/block';
import { createReferenceDevice } from '../reference.js';
import { turns } from '../turns.js';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, silent, spoil, wrapperSaboteur } from './saboteur.js';
import { writeBack } from './write-back.js';

export const endSaboteurs: readonly Saboteur[] = [
  saboteur('E1', 'ends under operations in flight', (good) => ({
    write: (start, buffers) => turns(1).then(() => good.write(start, buffers)),
  })),
  wrapperSaboteur('E1', 'gives up at the end what it did not write out', (base) =>
    spoil(writeBack(base), (good) => ({ disconnect: () => good.disconnect({ force: true }) })),
  ),
  wrapperSaboteur('E1', 'leaves its base connected', (base) =>
    spoil(passThrough(base), (good) => ({
      disconnect: (options) => (options?.force ? good.disconnect(options) : good.flush()),
    })),
  ),
  saboteur('E2', 'refuses to end twice', (good) => {
    let ended = false;
    return {
      async disconnect(options) {
        if (ended) throw new Error('disconnected already');
        ended = true;
        await good.disconnect(options);
      },
    };
  }),
  wrapperSaboteur('E2', 'disconnects its base once per call', (base) =>
    spoil(passThrough(base), () => ({ disconnect: (options) => base.disconnect(options) })),
  ),
  saboteur('E3', 'can be read after its end', (good, memory) => ({
    read: (start, buffers) =>
      good.read(start, buffers).catch((error: unknown) => {
        if (!isBlockError(error, 'DISCONNECTED')) throw error;
        return createReferenceDevice(memory).read(start, buffers);
      }),
  })),
  saboteur('E3', 'does nothing gladly after its end', (good) => ({
    extents: async (start, count) => (count === 0 ? [] : good.extents(start, count)),
  })),
  saboteur('E3', 'flushes gladly after its end', (good) => ({ flush: (range) => good.flush(range).catch(() => {}) })),
  wrapperSaboteur('E4', 'ends although its last write-back failed', (base) =>
    spoil(writeBack(base), (good) => ({
      disconnect: (options) => good.disconnect(options).catch(() => good.disconnect({ force: true })),
    })),
  ),
  wrapperSaboteur('E4', 'is dead after its last write-back failed', (base) =>
    spoil(writeBack(base), (good) => ({
      async disconnect(options) {
        try {
          await good.disconnect(options);
        } catch (error) {
          await good.disconnect({ force: true });
          throw error;
        }
      },
    })),
  ),
  silent(
    wrapperSaboteur('E4', 'waits for its base even when it is forced', (base) =>
      spoil(writeBack(base), (good) => ({
        async disconnect(options) {
          if (options?.force) await base.flush().catch(() => {});
          await good.disconnect(options);
        },
      })),
    ),
  ),
  wrapperSaboteur('E4', 'refuses to be forced over a base that fails', (base) =>
    spoil(writeBack(base), (good) => ({
      async disconnect(options) {
        if (options?.force) await good.flush();
        await good.disconnect(options);
      },
    })),
  ),
];
