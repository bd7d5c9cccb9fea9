// A backend of one's own, in one file: sectors that are compressed in memory. node own-backend.mjs
import assert from 'node:assert/strict';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { createDevice } from '@blockyard/block';
import { conformance } from '@blockyard/conformance';

/** What a backend's author writes. It is called with whole sectors inside the device, and may finish at once. */
class DeflatedDriver {
  name = 'deflated';
  atomicSectors = true; // everything finishes at once
  #sectors;

  constructor(sectors, { sectorSize, sizeSectors }) {
    this.#sectors = sectors;
    this.sectorSize = sectorSize;
    this.sizeSectors = sizeSectors;
  }

  read(start, buffers) {
    this.#forEach(start, buffers, (sector, view) => {
      const stored = this.#sectors.get(sector);
      if (stored === undefined) view.fill(0);
      else view.set(inflateRawSync(stored));
    });
  }

  write(start, buffers) {
    this.#forEach(start, buffers, (sector, view) => this.#sectors.set(sector, deflateRawSync(view, { level: 1 })));
  }

  discard(start, count) {
    for (let sector = start; sector < start + count; sector++) this.#sectors.delete(sector);
  }

  flush() {} // memory has nothing more durable to offer

  resize(sizeSectors) {
    for (const sector of this.#sectors.keys()) if (sector >= sizeSectors) this.#sectors.delete(sector);
  }

  disconnect() {}

  #forEach(start, buffers, visit) {
    let sector = start;
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.byteLength; at += this.sectorSize) {
        visit(sector++, buffer.subarray(at, at + this.sectorSize));
      }
    }
  }
}

const connectDeflated = async (sectors, shape) => createDevice(new DeflatedDriver(sectors, shape));

// Use it.
const sectors = new Map();
const device = await connectDeflated(sectors, { sectorSize: 4096, sizeSectors: 1024 });
await device.write(0, [Buffer.alloc(1024 * 4096, 'the same again ')]);
const storedBytes = [...sectors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
assert(storedBytes < (1024 * 4096) / 10);
console.log(`4 MiB take ${storedBytes} bytes`);
await device.disconnect();

// Let the kit decide whether it is a backend. A test runner's describe and test do the same, with a report.
const cases = [];
const subject = {
  name: 'deflated',
  persistent: false,
  readOnly: false,
  sectorSizes: [4096],
  create: async (shape) => ({ connect: () => connectDeflated(new Map(), shape), dispose: async () => {} }),
};
const runner = { describe: (_, body) => body(), test: (title, run) => cases.push({ title, run }) };
conformance(subject, runner, { seed: 1, runs: 1, watchMs: 5 });
const run = cases.filter(({ title }) => !title.startsWith('left out'));
for (const each of run) await each.run();
console.log(`it keeps the contract, as far as ${run.length} cases tell`);
