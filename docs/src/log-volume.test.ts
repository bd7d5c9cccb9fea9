import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  connectLog,
  createClone,
  createLogVolume,
  type LogDevice,
  rollBack,
  takeSnapshot,
} from '@blockyard/backend-log';
import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { describe, expect, test } from 'vitest';
import { VolumeReader } from './log-reader/read-volume.js';
import { ROOT } from './run-program.js';

describe('A reader that was written from log-volume.md alone', () => {
  test.each<readonly [string, { readonly sectorSize: number; readonly key?: Buffer }]>([
    ['sectors of 4,096 bytes', { sectorSize: 4096 }],
    ['sectors of 512 bytes', { sectorSize: 512 }],
    ['an encrypted volume', { sectorSize: 512, key: Buffer.alloc(32, 'key') }],
  ])('reads volumes, snapshots and clones: %s', async (_, { sectorSize, ...secret }) => {
    const objects: MemoryObjects = new Map();
    const at = (prefix = 'disk') => ({ store: new MemoryStore({ objects }), prefix, ...secret });
    const changes = changesFrom(1);
    const expectSame = async (device: LogDevice, prefix = 'disk', snapshot?: string) => {
      const bodies = new Map([...objects].map(([key, { body }]) => [key, Uint8Array.from(body)]));
      const found = new VolumeReader(bodies, prefix, secret.key).read(snapshot);
      expect(found.equals(await contentsOf(device)), `${prefix}@${snapshot}`).toBe(true);
    };
    await createLogVolume({ ...at(), sectorSize, sizeSectors: 1000 });
    let device = await connectLog(at());
    await changes(device, 30);
    await expectSame(device);
    await device.takeSnapshot('first');
    await changes(device, 20);
    await device.disconnect({ force: true });
    device = await connectLog(at());
    await changes(device, 10);
    await expectSame(device);
    await takeSnapshot(at(), 'beside');
    // More than four deltas, and packs.
    for (let each = 0; each < 6; each++) {
      await changes(device, 20);
      await device.takeSnapshot(`later-${each}`);
    }
    await device.compact();
    await changes(device, 10);
    await expectSame(device);
    expect([...objects.keys()].some((key) => key.startsWith('disk/pack/'))).toBe(true);
    for (const snapshot of ['first', 'beside', 'later-3']) {
      await expectSame(await connectLog({ ...at(), snapshot }), 'disk', snapshot);
    }
    await createClone(at(), 'later-3', { prefix: 'clone' });
    const clone = await connectLog(at('clone'));
    await changes(clone, 20);
    await expectSame(clone, 'clone');
    await clone.takeSnapshot('own');
    await clone.disconnect();
    await createClone(at('clone'), 'own', { prefix: 'clone-of-clone' });
    const second = await connectLog(at('clone-of-clone'));
    await expectSame(second, 'clone-of-clone');
    await changes(second, 10);
    await second.disconnect();
    await expectSame(await connectLog({ ...at('clone-of-clone'), readOnly: true }), 'clone-of-clone');
    await device.disconnect();
    await rollBack(at(), 'beside');
    device = await connectLog(at());
    await changes(device, 10);
    await expectSame(device);
    await device.disconnect();
  });
});

test('A reader that was written from log-volume.md alone opens what a passphrase encrypts', async () => {
  const objects: MemoryObjects = new Map();
  const passphrase = 'zä\u0308ß';
  const at = () => ({ store: new MemoryStore({ objects }), prefix: 'disk', passphrase });
  await createLogVolume({ ...at(), sizeSectors: 600 });
  const device = await connectLog(at());
  await changesFrom(2)(device, 5);
  const bodies = new Map([...objects].map(([key, { body }]) => [key, Uint8Array.from(body)]));
  expect(new VolumeReader(bodies, 'disk', passphrase).read().equals(await contentsOf(device))).toBe(true);
  await device.disconnect();
});

describe('The tests against faults of other systems', () => {
  const page = readFileSync(join(ROOT, 'docs', 'log-volume.md'), 'utf8');
  const table = page.slice(page.indexOf('## Faults of other systems'));
  const rows = [...table.matchAll(/^\| (?!fault|-)(.+?) +\| (.+?) +\|$/gm)].map(([, fault = '', test = '']) => ({
    fault,
    test,
  }));

  test('are of all faults', () => {
    expect(rows.length).toBeGreaterThan(14);
  });

  test.each(rows)('$fault: are there by their names', ({ test: named }) => {
    const files = [...named.matchAll(/`([^`]+)`/g)].map(([, file = '']) =>
      join(ROOT, 'packages/backend-log/src', file),
    );
    const titles = named.slice(named.lastIndexOf('`') + 3).split('; ');
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect(existsSync(file), file).toBe(true);
      const source = readFileSync(file, 'utf8');
      for (const title of titles) expect(source, file).toContain(title);
    }
  });
});

/** Makes changes of all kinds, the same in every run, and flushes. */
function changesFrom(seed: number) {
  let state = seed;
  const below = (end: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
  return async (device: LogDevice, count: number): Promise<void> => {
    for (let each = 0; each < count; each++) {
      const { sectorSize, sizeSectors } = device.info;
      const [start, length, kind] = [below(sizeSectors - 40), 1 + below(30), below(20)];
      if (kind < 14) await device.write(start, [Buffer.alloc(length * sectorSize, `${below(2 ** 30)} `)]);
      else if (kind < 16) await device.discard(start, length);
      else if (kind < 18) await device.writeZeroes(start, length);
      else if (kind === 18) await device.resize(500 + below(1000));
      else await device.flush();
    }
    await device.flush();
  };
}

async function contentsOf(device: LogDevice): Promise<Buffer> {
  const bytes = Buffer.alloc(device.info.sizeSectors * device.info.sectorSize);
  await device.read(0, [bytes]);
  return bytes;
}
