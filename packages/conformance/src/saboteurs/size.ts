import { macrotasks } from '@blockyard/block/testing';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, spoil, wrapperSaboteur } from './saboteur.js';
import { writeBack } from './write-back.js';

/** A device of fixed size that pretends to have been resized. */
const pretender = saboteur('S4', 'cannot be resized, and does not say so', () => ({ resize: async () => {} }));

export const sizeSaboteurs: readonly Saboteur[] = [
  saboteur('S1', 'resizes under operations in flight', (good) => ({
    write: (start, buffers) => macrotasks(1).then(() => good.write(start, buffers)),
  })),
  saboteur('S1', 'does not hold back what comes after a resize', (good) => ({
    resize: (sizeSectors) => macrotasks(1).then(() => good.resize(sizeSectors)),
  })),
  saboteur('S1', 'resizes under reads in flight', (good) => ({
    read: (start, buffers) => macrotasks(1).then(() => good.read(start, buffers)),
  })),
  saboteur('S1', 'lets its info be changed', (good) => {
    let info = { ...good.info };
    return {
      get info() {
        return info;
      },
      async resize(sizeSectors) {
        await good.resize(sizeSectors);
        info = { ...good.info };
      },
    };
  }),
  saboteur('S1', 'tells its old size for ever', (good) => {
    const { info } = good;
    return {
      get info() {
        return info;
      },
    };
  }),
  saboteur('S1', 'changes its info under the reader', (good) => {
    const info = { ...good.info };
    return {
      get info() {
        return Object.assign(info, good.info);
      },
    };
  }),
  wrapperSaboteur('S1', 'resizes its base under a write', (base) =>
    spoil(passThrough(base), (good) => ({
      async resize(sizeSectors) {
        await base.resize(sizeSectors);
        await good.resize(sizeSectors);
      },
    })),
  ),
  saboteur('S2', 'finds old data again when it grows', (good, memory) => {
    let all = memory.bytes.slice();
    return {
      async resize(sizeSectors) {
        if (memory.bytes.byteLength >= all.byteLength) all = memory.bytes.slice();
        else all.set(memory.bytes);
        await good.resize(sizeSectors);
        memory.bytes.set(all.subarray(0, memory.bytes.byteLength));
      },
    };
  }),
  wrapperSaboteur('S2', 'writes zeroes when it grows', (base) =>
    spoil(passThrough(base), (good) => ({
      async resize(sizeSectors) {
        const before = good.info.sizeSectors;
        await good.resize(sizeSectors);
        if (sizeSectors > before) await good.write(before, [new Uint8Array(good.info.sectorSize)]);
      },
    })),
  ),
  wrapperSaboteur('S3', 'keeps what is dirty past the new end', (base) =>
    writeBack(base, { keepDirtyPastTheEnd: true }),
  ),
  saboteur('S3', 'keeps a last sector', (good) => ({ resize: (sizeSectors) => good.resize(Math.max(1, sizeSectors)) })),
  wrapperSaboteur('S4', 'forgets what is dirty although its base did not shrink', (base) =>
    writeBack(base, { forgetBeforeShrink: true }),
  ),
  wrapperSaboteur('S4', 'tells the new size although its base stays', (base) =>
    spoil(passThrough(base), (good) => {
      let { info } = good;
      return {
        get info() {
          return info;
        },
        resize(sizeSectors) {
          info = { ...info, sizeSectors };
          return good.resize(sizeSectors);
        },
      };
    }),
  ),
  saboteur('S4', 'forgets its size', (good, memory) => {
    const { byteLength } = memory.bytes;
    return {
      async disconnect(options) {
        await good.disconnect(options);
        const bytes = new Uint8Array(byteLength);
        bytes.set(memory.bytes.subarray(0, byteLength));
        memory.bytes = bytes;
      },
    };
  }),
  saboteur('S4', 'takes a size of nothing for none', (good, memory) => {
    const { byteLength } = memory.bytes;
    return {
      async disconnect(options) {
        await good.disconnect(options);
        if (memory.bytes.byteLength === 0) memory.bytes = new Uint8Array(byteLength);
      },
    };
  }),
  saboteur('S4', 'begins anew when it is resized to its size', (good) => ({
    async resize(sizeSectors) {
      if (sizeSectors === good.info.sizeSectors) await good.discard(0, sizeSectors);
      await good.resize(sizeSectors);
    },
  })),
  { ...pretender, subject: { ...pretender.subject, resizable: false } },
];
