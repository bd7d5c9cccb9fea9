import { classOfLogKey, connectLog, createLogVolume, inspectLogVolume } from '@blockyard/backend-log';
import { conformance, type Subject } from '@blockyard/conformance';
import { copyOfTraffic, type MemoryObjects, MemoryStore, trafficBetween } from '@blockyard/object-store';
import { describe, expect, test } from 'vitest';
import { type CachedObjectStore, connectObjectCache } from './index.js';
import { Disk } from './testing/disk.js';
import { KIB, MIB } from './testing/scene.js';

const prefix = 'disks/a';

/** A log volume whose store has a cache, on a disk that stays. */
class CachedLog {
  readonly objects: MemoryObjects = new Map();
  readonly disk: Disk;
  store: CachedObjectStore | undefined;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  get plain(): MemoryStore {
    return new MemoryStore({ objects: this.objects, classOf: classOfLogKey });
  }

  async open(options: { readonly readOnly?: boolean } = {}) {
    // The medium is that of one process at a time.
    await this.store?.ended;
    const { volumeId: id } = await inspectLogVolume({ store: this.plain, prefix });
    const scopes = ['log', 'pack', 'map'].map((kind) => ({ prefix: `${prefix}/${kind}/`, id: `${id}/${kind}` }));
    const medium = this.disk.open();
    this.store = await connectObjectCache({ store: this.plain, medium, scopes, maxRegionBytes: MIB });
    // So that what is asked for first is not answered by the store, since the medium has not been read.
    await this.store.idle();
    return connectLog({ store: this.store, prefix, minIdleMs: 50, ...options });
  }
}

const subject: Subject = {
  name: 'A log volume over an object cache',
  persistent: true,
  sectorSizes: [4096],
  create: async ({ sectorSize, sizeSectors }) => {
    const volume = new CachedLog(new Disk(6 * MIB));
    const segmentSizeBytes = (48 << 10) + 64 + 20 * (sectorSize + 16);
    await createLogVolume({ store: volume.plain, prefix, sectorSize, sizeSectors, segmentSizeBytes });
    return {
      connect: (options) => volume.open(options),
      dispose: async () => {
        await volume.store?.ended;
      },
    };
  },
};

conformance(subject, { describe, test }, { runs: 5 });

describe('A log volume that is opened again over what is on the medium', () => {
  test('reads no data from the store', async () => {
    const volume = new CachedLog(new Disk(64 * MIB));
    await createLogVolume({ store: volume.plain, prefix, sizeBytes: 64 * MIB, segmentSizeBytes: MIB });
    const written = new Map<number, number>();
    const first = await volume.open();
    for (let i = 0; i < 3000; i++) {
      const sector = (i * 7919) % (64 * 256);
      written.set(sector, i % 251);
      await first.write(sector, [new Uint8Array(4 * KIB).fill(i % 251)]);
    }
    await first.flush();
    await first.disconnect();
    const second = await volume.open();
    const store = volume.store as CachedObjectStore;
    await store.idle();
    const afterOpening = copyOfTraffic(store.traffic);
    for (const [sector, value] of written) {
      const target = new Uint8Array(4 * KIB);
      await second.read(sector, [target]);
      expect(target.every((byte) => byte === value)).toBe(true);
    }
    expect(trafficBetween(afterOpening, store.traffic).requests.get).toBe(0);
    // The opening asked whether there is more of the log, and got nothing but the root.
    for (const [name, { downloadBytes }] of Object.entries(store.traffic.classes)) {
      if (name !== 'root') expect(downloadBytes, name).toBe(0);
    }
    await second.disconnect();
    await store.ended;
  });
});
