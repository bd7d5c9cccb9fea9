import { byteLengthOf, createDevice, isBlockError } from '@blockyard/block';
import { createReferenceDevice } from '../bases/reference.js';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, spoil, wrapperSaboteur } from './saboteur.js';

const SHORT_LIST = 1_024;

export const argumentSaboteurs: readonly Saboteur[] = [
  saboteur('A1', 'throws at once instead of rejecting', (good) => ({
    write(start, buffers) {
      if (start >= good.info.sizeSectors) throw new RangeError('past the end');
      return good.write(start, buffers);
    },
  })),
  saboteur('A1', 'rejects with errors of its own', (good) => ({
    read: (start, buffers) =>
      good.read(start, buffers).catch((error: unknown) => {
        throw new RangeError(String(error));
      }),
  })),
  saboteur('A1', 'has one error for all who come after its end', (good) => {
    let ended: unknown;
    return {
      flush: (range) =>
        good.flush(range).catch((error: unknown) => {
          if (isBlockError(error, 'DISCONNECTED')) ended ??= error;
          throw ended ?? error;
        }),
    };
  }),
  wrapperSaboteur('A1', 'lets all who wait for one read share its error', (base) =>
    spoil(passThrough(base), (good) => {
      let failed: unknown;
      return {
        read: (start, buffers) =>
          good.read(start, buffers).catch((error: unknown) => {
            failed ??= error;
            throw failed;
          }),
      };
    }),
  ),
  wrapperSaboteur('A1', 'hides the error of its base behind another', (base) => {
    const { sectorSize, sizeSectors } = base.info;
    return createDevice({
      name: 'hider',
      sectorSize,
      sizeSectors,
      read: (start, buffers) =>
        base.read(start, buffers).catch(() => {
          throw new Error('something went wrong');
        }),
      write: (start, buffers) => base.write(start, buffers),
      flush: () => base.flush(),
      resize: (size) => base.resize(size),
      disconnect: (options) => base.disconnect(options),
    });
  }),
  saboteur('A2', 'looks at the bounds before the buffers', (good) => ({
    async write(start, buffers) {
      if (start > good.info.sizeSectors) await good.read(start, []);
      return good.write(start, buffers);
    },
  })),
  saboteur('A2', 'looks at the bounds before the end', (good, memory) => ({
    discard: (start, count) =>
      good.discard(start, count).catch(async (error: unknown) => {
        if (isBlockError(error, 'DISCONNECTED')) await createReferenceDevice(memory).discard(start, count);
        throw error;
      }),
  })),
  saboteur('A3', 'looks at the sum of the buffers instead of each', (good) => ({
    write(start, buffers) {
      return good.write(start, [Buffer.concat(buffers)]);
    },
  })),
  saboteur('A3', 'writes what comes before an ill-sized buffer', (good) => ({
    async write(start, buffers) {
      const { sectorSize } = good.info;
      const odd = buffers.findIndex(({ byteLength }) => byteLength % sectorSize !== 0);
      if (odd > 0) await good.write(start, buffers.slice(0, odd));
      return good.write(start, buffers);
    },
  })),
  saboteur('A3', 'drops all buffers but the first thousand', (good) => ({
    write: (start, buffers) => good.write(start, buffers.slice(0, SHORT_LIST)),
  })),
  saboteur('A4', 'refuses nothing at the end of the device', (good) => ({
    read: (start, buffers) => good.read(start, start === good.info.sizeSectors ? [new Uint8Array(512)] : buffers),
  })),
  saboteur('A4', 'discards everything where nothing was asked for', (good) => ({
    discard: (start, count) => good.discard(start, count === 0 ? good.info.sizeSectors - start : count),
  })),
  saboteur('A5', 'rounds fractions', (good) => ({
    read: (start, buffers) => good.read(Math.floor(start), buffers),
  })),
  saboteur('A5', 'truncates positions to 32 bits', (good) => ({
    write: (start, buffers) => good.write(Number.isSafeInteger(start) && start > 0 ? start >>> 0 : start, buffers),
  })),
  saboteur('A6', 'lets a write run past the end by a sector', (good) => ({
    write(start, buffers) {
      const { sectorSize, sizeSectors } = good.info;
      const oneTooMany = start + byteLengthOf(buffers) / sectorSize === sizeSectors + 1;
      return good.write(start, oneTooMany ? buffers.slice(0, -1) : buffers);
    },
  })),
  saboteur('A6', 'writes durably what fits, and refuses no rest', (good) => ({
    writeDurably(start, buffers) {
      const { sectorSize, sizeSectors } = good.info;
      const isTooMuch = start + byteLengthOf(buffers) / sectorSize > sizeSectors;
      return good.write(start, isTooMuch ? [] : buffers);
    },
  })),
  saboteur('A6', 'is off by one at the end', (good) => ({
    read(start, buffers) {
      const last = start + byteLengthOf(buffers) / good.info.sectorSize === good.info.sizeSectors;
      return good.read(last ? start + 1 : start, buffers);
    },
  })),
  saboteur('A6', 'grows when it is written past its end', (good) => ({
    async write(start, buffers) {
      const end = start + byteLengthOf(buffers) / good.info.sectorSize;
      if (end > good.info.sizeSectors && end < good.info.sizeSectors * 2) await good.resize(end);
      return good.write(start, buffers);
    },
  })),
  saboteur('A6', 'writes what fits and refuses the rest', (good) => ({
    async write(start, buffers) {
      const { sizeSectors, sectorSize } = good.info;
      const whole = Buffer.concat(buffers);
      if (start < sizeSectors) await good.write(start, [whole.subarray(0, (sizeSectors - start) * sectorSize)]);
      return good.write(start, buffers);
    },
  })),
  saboteur('A7', 'takes writes when it is read-only, and drops them', (good) => ({
    write: (start, buffers) => (good.info.readOnly ? good.read(start, []) : good.write(start, buffers)),
  })),
  saboteur('A7', 'discards when it is read-only', (good, memory) => ({
    async discard(start, count) {
      if (good.info.readOnly) await createReferenceDevice(memory).discard(start, count);
      return good.discard(start, count);
    },
  })),
];
