import { openSync } from 'node:fs';
import { devNull } from 'node:os';
import { BlockError, isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { createReferenceDevice } from '../bases/reference.js';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, silent, spoil, wrapperSaboteur } from './saboteur.js';
import { writeBack } from './write-back.js';

/** Longer than anyone looks at it. */
const LEFT_MS = 60_000;

/** Later than anyone has a reason to expect. */
const LATE_MS = 30;

export const endSaboteurs: readonly Saboteur[] = [
  saboteur('E1', 'ends under operations in flight', (good) => ({
    write: (start, buffers) => macrotasks(1).then(() => good.write(start, buffers)),
  })),
  wrapperSaboteur('E1', 'gives up at the end what it did not write out', (base) =>
    spoil(writeBack(base), (good) => ({ disconnect: () => good.disconnect({ force: true }) })),
  ),
  wrapperSaboteur('E1', 'leaves its base connected', (base) =>
    spoil(passThrough(base), (good) => ({
      disconnect: (options) => (options?.force ? good.disconnect(options) : good.flush()),
    })),
  ),
  saboteur('E1', 'leaves a timer running', () => {
    setTimeout(() => {}, LEFT_MS);
    return {};
  }),
  saboteur('E1', 'leaves a file open', () => {
    openSync(devNull, 'r');
    return {};
  }),
  saboteur('E4', 'leaves a timer running when it is given up', (good) => {
    const timer = setTimeout(() => {}, LEFT_MS);
    let isGivenUp = false;
    return {
      async disconnect(options) {
        isGivenUp ||= options?.force ?? false;
        if (!isGivenUp) clearTimeout(timer);
        await good.disconnect(options);
      },
    };
  }),
  wrapperSaboteur('E1', 'refuses what comes while it ends, also if the end fails', (base) =>
    spoil(passThrough(base), (good) => {
      let isEnding = false;
      return {
        async write(start, buffers) {
          if (isEnding) throw new BlockError('DISCONNECTED', 'about to end');
          await good.write(start, buffers);
        },
        async disconnect(options) {
          isEnding = true;
          await good.disconnect(options).finally(() => {
            isEnding = false;
          });
        },
      };
    }),
  ),
  wrapperSaboteur('E4', 'flushes its base when it has been given up', (base) =>
    spoil(writeBack(base), (good) => ({
      async disconnect(options) {
        await good.disconnect(options);
        if (options?.force) setTimeout(() => base.flush().catch(() => {}), LATE_MS);
      },
    })),
  ),
  wrapperSaboteur('E4', 'goes back to work when a resize has ended that outlived it', (base) =>
    spoil(passThrough(base), (good) => ({
      resize: (sizeSectors) =>
        good.resize(sizeSectors).finally(() => {
          base.flush().catch(() => {});
        }),
    })),
  ),
  saboteur('E4', 'resizes when it has been given up', (good, memory) => {
    let wanted: number | undefined;
    return {
      async resize(sizeSectors) {
        wanted = sizeSectors;
        await good.resize(sizeSectors);
      },
      async disconnect(options) {
        await good.disconnect(options);
        if (!options?.force || wanted === undefined) return;
        memory.bytes = new Uint8Array(memory.bytes.byteLength);
      },
    };
  }),
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
  saboteur('E5', 'says that it is lost while it works', () => ({ lost: AbortSignal.abort(new Error('lost')) })),
  wrapperSaboteur('E5', 'keeps it to itself that its base is lost', (base) =>
    spoil(passThrough(base), () => ({ lost: undefined })),
  ),
  wrapperSaboteur('E5', 'takes changes for a base that is lost', (base) =>
    spoil(passThrough(base), (good) => ({ discard: (start, count) => good.discard(start, count).catch(() => {}) })),
  ),
];
