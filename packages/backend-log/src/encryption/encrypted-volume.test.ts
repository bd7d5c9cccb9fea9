import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { beforeEach, describe, expect, test } from 'vitest';
import { changePassphrase, checkLogVolume, connectLog, createClone, rollBack, takeSnapshot } from '../index.js';
import { connectSmall, contentsOf, createSmall, PREFIX, SECTOR_SIZE, SIZE_SECTORS } from '../testing/small-volume.js';

const key = Uint8Array.from({ length: 32 }, (_, at) => at);
const otherKey = Uint8Array.from({ length: 32 }, (_, at) => at ^ 1);
const ROOT = `${PREFIX}/volume.json`;
/** What the volume is written in full with: so many segments, and a map. */
const WRITTEN_SECTORS = 50;

let objects: MemoryObjects;
beforeEach(() => {
  objects = new Map();
});

const place = (secret: object = {}) => ({ store: new MemoryStore({ objects }), prefix: PREFIX, ...secret });

/** Time stands still, and timers run when the test says so. */
function clockByHand() {
  const timers = new Map<number, () => void>();
  let last = 0;
  return {
    now: () => 0,
    set: (run: () => void) => {
      timers.set(++last, run);
      return last;
    },
    clear: (timer: unknown) => void timers.delete(Number(timer)),
    hasTimers: () => timers.size > 0,
    runTimers: () => {
      const due = [...timers.values()];
      timers.clear();
      for (const run of due) run();
    },
  };
}

function copyOf(from: MemoryObjects): MemoryObjects {
  return new Map(from);
}

/** Writes from sector 0 on, and ends the volume with a checkpoint, or gives it up after a flush. */
async function write(seed: number, { force = false, at = objects, sectors = WRITTEN_SECTORS } = {}): Promise<void> {
  const device = await connectSmall(at, { key });
  await device.write(0, [contentsOf(seed, sectors)]);
  await device.flush();
  await device.disconnect({ force });
}

/** What comes of reading all that was written: `right`, `wrong`, or the code of the error. */
async function readAll(seed: number, at = objects, sectors = WRITTEN_SECTORS): Promise<string> {
  const store = new MemoryStore({ objects: at });
  try {
    const device = await connectLog({ store, prefix: PREFIX, key, readOnly: true });
    const bytes = new Uint8Array(SIZE_SECTORS * SECTOR_SIZE);
    try {
      await device.read(0, [bytes]);
    } finally {
      await device.disconnect();
    }
    const wanted = contentsOf(seed, sectors);
    return Buffer.compare(bytes.subarray(0, wanted.byteLength), wanted) === 0 ? 'right' : 'wrong';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function keysOf(kind: 'log' | 'map', of = objects): string[] {
  return [...of.keys()].filter((name) => name.startsWith(`${PREFIX}/${kind}/`)).sort();
}

function bodyOf(name: string, of = objects): Uint8Array {
  const found = of.get(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found.body;
}

/** The same objects, one with other bytes. */
function withBody(name: string, body: Uint8Array, of = objects): MemoryObjects {
  const found = of.get(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return new Map(of).set(name, { ...found, body, sizeBytes: body.byteLength });
}

function withFlip(body: Uint8Array, bit: number): Uint8Array {
  const changed = new Uint8Array(body);
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

describe('A secret', () => {
  test('opens the volume that was created with it, and no other does, nor none', async () => {
    await createSmall(objects, { passphrase: 'tulip' });
    const others = [
      [{ passphrase: 'rose' }, 'the passphrase is not that of this volume'],
      [{}, 'opens with a passphrase'],
      [{ key }, 'opens with a passphrase'],
    ] as const;
    for (const [secret, what] of others) {
      await expect(connectSmall(objects, secret)).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringContaining(what),
      });
    }
    const device = await connectSmall(objects, { passphrase: 'tulip' });
    await device.disconnect();
  });

  test('of 32 bytes does the same', async () => {
    await createSmall(objects, { key });
    for (const secret of [{ key: otherKey }, {}, { passphrase: 'tulip' }]) {
      await expect(connectSmall(objects, secret)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    }
    const device = await connectSmall(objects, { key });
    await device.disconnect();
  });

  test('is refused where the volume is not encrypted, so no one can put such a one in the place of one that is', async () => {
    await createSmall(objects);
    for (const secret of [{ key }, { passphrase: 'tulip' }]) {
      await expect(connectSmall(objects, secret)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  test('is in no object, nor are the contents', async () => {
    await createSmall(objects, { key });
    const device = await connectSmall(objects, { key });
    const text = Buffer.alloc(SECTOR_SIZE, 'plain text of a sector ');
    await device.write(7, [text]);
    await device.disconnect();
    for (const [name, { body }] of objects) {
      expect(Buffer.from(body).includes('plain text'), name).toBe(false);
      expect(Buffer.from(body).includes(Buffer.from(key)), name).toBe(false);
      expect(Buffer.from(body).includes(Buffer.from(key).toString('base64')), name).toBe(false);
    }
  });
});

describe('A change of the passphrase', () => {
  test('lets the new one open the volume and no longer the old one, and a running writer goes on', async () => {
    await createSmall(objects, { key });
    const device = await connectSmall(objects, { key });
    await device.write(0, [contentsOf(1)]);
    await device.flush();
    const before = copyOf(objects);
    await changePassphrase(place({ key }), { passphrase: 'new' });
    // Nothing but the root.
    for (const [name, { etag }] of objects) expect(before.get(name)?.etag === etag, name).toBe(name !== ROOT);
    await device.write(1, [contentsOf(2)]);
    await device.flush();
    // Changes the root as well, which has the new secret still.
    await device.disconnect();
    await expect(connectSmall(objects, { key })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(changePassphrase(place({ key }), { key: otherKey })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    const again = await connectSmall(objects, { passphrase: 'new' });
    const bytes = new Uint8Array(2 * SECTOR_SIZE);
    await again.read(0, [bytes]);
    expect(Buffer.from(bytes)).toEqual(Buffer.concat([contentsOf(1), contentsOf(2)]));
    await again.disconnect();
  });

  test('is not undone by a writer that finds the root of before it again', async () => {
    await createSmall(objects, { key });
    const clock = clockByHand();
    const device = await connectSmall(objects, { key, clock });
    const old = objects.get(ROOT);
    await changePassphrase(place({ key }), { key: otherKey });
    const stored = () => ({ etag: objects.get(ROOT)?.etag, text: JSON.parse(Buffer.from(bodyOf(ROOT)).toString()) });
    // The writer looks at the root, and takes the change in.
    const changed = stored();
    clock.runTimers();
    await expect.poll(() => stored().etag).not.toBe(changed.etag);
    expect(stored().text.encryption).toEqual(changed.text.encryption);
    // Then the store puts back the root that was there before.
    if (old !== undefined) objects.set(ROOT, old);
    expect(stored().text.encryption).toMatchObject({ revision: 1 });
    clock.runTimers();
    await expect.poll(() => stored().etag).not.toBe(old?.etag);
    expect(stored().text.encryption).toEqual(changed.text.encryption);
    await device.disconnect();
    expect(stored().text.encryption).toEqual(changed.text.encryption);
  });

  test('is made by someone who knows the secret of now, for a volume that is encrypted, and to a secret', async () => {
    await createSmall(objects, { key });
    const rejected = async (from: object, to: object, code: string) =>
      expect(changePassphrase(place(from), to)).rejects.toMatchObject({ code });
    const root = objects.get(ROOT);
    await rejected({}, { key: otherKey }, 'ACCESS_DENIED');
    await rejected({ key: otherKey }, { key }, 'ACCESS_DENIED');
    await rejected({ key }, {}, 'INVALID_ARGUMENT');
    await rejected({ key }, { passphrase: '' }, 'INVALID_ARGUMENT');
    await rejected({ key }, { passphrase: 'a', key }, 'INVALID_ARGUMENT');
    await rejected({ key }, { password: 'a' }, 'INVALID_ARGUMENT');
    expect(objects.get(ROOT)).toBe(root);
    objects.clear();
    await createSmall(objects);
    await rejected({}, { key }, 'INVALID_ARGUMENT');
  });
});

describe('What the store alters', () => {
  beforeEach(async () => {
    await createSmall(objects, { key });
    await write(1);
  });

  test('is found, whichever byte of the root it is', async () => {
    expect(await readAll(1)).toBe('right');
    const body = bodyOf(ROOT);
    const found = new Set<string>();
    for (let bit = 0; bit < body.byteLength * 8; bit += 7) {
      found.add(await readAll(1, withBody(ROOT, withFlip(body, bit))));
    }
    const codes = ['ACCESS_DENIED', 'CORRUPT', 'INVALID_ARGUMENT', 'UNSUPPORTED'];
    expect([...found].filter((what) => !codes.includes(what))).toEqual([]);
    expect(found).toContain('CORRUPT');
  });

  test('is found, whichever bit of the map and the directory it is', async () => {
    const keys = keysOf('map');
    expect(keys.length).toBeGreaterThan(1);
    for (const name of keys) {
      const body = bodyOf(name);
      for (let bit = 0; bit < body.byteLength * 8; bit += 5) {
        expect(await readAll(1, withBody(name, withFlip(body, bit))), `${name}, bit ${bit}`).toBe('CORRUPT');
      }
    }
  });

  test('is found, whichever bit of a slot or an index it is', async () => {
    // With the log to replay.
    objects = new Map();
    await createSmall(objects, { key });
    await write(1, { force: true });
    const names = keysOf('log');
    expect(names.length).toBeGreaterThan(2);
    const [name = ''] = names;
    const body = bodyOf(name);
    const stepBits = 41 * 8 + 3;
    for (let bit = 64 * 8; bit < body.byteLength * 8; bit += stepBits) {
      expect(await readAll(1, withBody(name, withFlip(body, bit))), `bit ${bit}`).toBe('CORRUPT');
    }
    const indexAt = body.byteLength - 32 - 24;
    for (let bit = indexAt * 8; bit < body.byteLength * 8; bit++) {
      expect(await readAll(1, withBody(name, withFlip(body, bit))), `bit ${bit}`).toBe('CORRUPT');
    }
  });

  test('is found where slots change places, in one segment or between two', async () => {
    const [first = '', second = ''] = keysOf('log');
    const slotBytes = SECTOR_SIZE + 16;
    const slot = (body: Uint8Array, number: number) =>
      body.slice(64 + number * slotBytes, 64 + (number + 1) * slotBytes);
    const put = (body: Uint8Array, number: number, bytes: Uint8Array) => {
      const changed = new Uint8Array(body);
      changed.set(bytes, 64 + number * slotBytes);
      return changed;
    };
    const [a, b] = [bodyOf(first), bodyOf(second)];
    const swapped = put(put(a, 3, slot(a, 4)), 4, slot(a, 3));
    expect(await readAll(1, withBody(first, swapped))).toBe('CORRUPT');
    expect(await readAll(1, withBody(second, put(b, 3, slot(a, 3))))).toBe('CORRUPT');
  });

  test('is found where objects change places, whatever their heads and feet say', async () => {
    const [first = '', second = ''] = keysOf('log');
    const [a, b] = [bodyOf(first), bodyOf(second)];
    expect(await readAll(1, withBody(second, a, withBody(first, b)))).toBe('CORRUPT');
    // With the head and the foot of the object that was there, of the same size.
    const disguised = new Uint8Array(b);
    disguised.set(a.subarray(64, a.byteLength - 32), 64);
    expect(a.byteLength).toBe(b.byteLength);
    expect(await readAll(1, withBody(second, disguised))).toBe('CORRUPT');
    const [one = '', two = ''] = keysOf('map');
    expect(await readAll(1, withBody(two, bodyOf(one), withBody(one, bodyOf(two))))).toBe('CORRUPT');
  });

  test('is found where an object is cut off, or is gone', async () => {
    for (const name of [...keysOf('log'), ...keysOf('map')]) {
      const without = copyOf(objects);
      without.delete(name);
      expect(await readAll(1, without), name).toBe('CORRUPT');
    }
    const cutsOf = (name: string) => {
      const body = bodyOf(name);
      const cuts = [0, 1, 16, 64, body.byteLength >> 1, body.byteLength - 1].filter((bytes) => bytes < body.byteLength);
      return cuts.map((bytes) => ({ what: `${name}, ${bytes} bytes`, cut: withBody(name, body.slice(0, bytes)) }));
    };
    for (const { what, cut } of keysOf('map').flatMap(cutsOf)) expect(await readAll(1, cut), what).toBe('CORRUPT');
    // Segments that are to be replayed, so that all of each is read.
    objects = new Map();
    await createSmall(objects, { key });
    await write(1, { force: true });
    for (const { what, cut } of keysOf('log').flatMap(cutsOf)) expect(await readAll(1, cut), what).toBe('CORRUPT');
  });

  test('is found where objects are those of the same name of another course of events', async () => {
    const other = copyOf(objects);
    await write(2);
    await write(3, { at: other });
    expect(await readAll(2)).toBe('right');
    const names = [...keysOf('log'), ...keysOf('map')].filter(
      (name) => other.has(name) && other.get(name) !== objects.get(name),
    );
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      expect(await readAll(2, withBody(name, bodyOf(name, other))), name).toBe('CORRUPT');
    }
  });

  test('is found where objects are those of another volume, with the same secret', async () => {
    const other: MemoryObjects = new Map();
    await createSmall(other, { key });
    await write(1, { at: other });
    expect(keysOf('log', other)).toEqual(keysOf('log'));
    for (const name of [...keysOf('log'), ...keysOf('map'), ROOT]) {
      expect(await readAll(1, withBody(name, bodyOf(name, other))), name).toBe('CORRUPT');
    }
  });

  test('is found where earlier epochs are given for later ones', async () => {
    await write(2);
    const late = keysOf('log').at(-1) ?? '';
    for (const name of keysOf('log')) {
      if (name === late) continue;
      expect(await readAll(2, withBody(late, bodyOf(name))), name).toBe('CORRUPT');
    }
  });

  test('is no loss of the past where a fence is forged in it, and a prefix of the writes where it is forged at its end', async () => {
    const fenceFor = (body: Uint8Array) => {
      const fence = body.slice(0, 64);
      fence.set(Buffer.from('blkyfenc'));
      return fence;
    };
    const { crc32 } = await import('node:zlib');
    const forged = (name: string, of: MemoryObjects) => {
      const fence = fenceFor(bodyOf(name, of));
      new DataView(fence.buffer).setUint32(60, crc32(fence.subarray(0, 60)), true);
      return withBody(name, fence, of);
    };
    // Ended, and in the checkpoint.
    for (const name of keysOf('log')) expect(await readAll(1, forged(name, objects)), name).toBe('CORRUPT');
    // Neither ended nor in a checkpoint: the same as if the store gave nothing from there on.
    const before = keysOf('log').length;
    await write(2, { force: true });
    const added = keysOf('log').slice(before);
    expect(added.length).toBeGreaterThan(1);
    expect(await readAll(2)).toBe('right');
    expect(await readAll(1, forged(added[0] ?? '', objects))).toBe('right');
  });
});

test('a snapshot, a clone and a rollback of an encrypted volume are encrypted as well, with its key', async () => {
  await createSmall(objects, { key });
  await write(1);
  await takeSnapshot(place({ key }), 'then');
  await write(2);
  await expect(createClone(place({ key: otherKey }), 'then', { prefix: 'clone' })).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
  });
  await createClone(place({ key }), 'then', { prefix: 'clone' });
  const clone = await connectSmall(objects, { key, prefix: 'clone' });
  await clone.write(1, [contentsOf(3)]);
  await clone.disconnect();
  // The clone has a secret of its own from now on.
  await changePassphrase({ ...place({ key }), prefix: 'clone' }, { key: otherKey });
  const again = await connectSmall(objects, { key: otherKey, prefix: 'clone' });
  const bytes = new Uint8Array(3 * SECTOR_SIZE);
  await again.read(0, [bytes]);
  const before = contentsOf(1, 3);
  before.set(contentsOf(3), SECTOR_SIZE);
  expect(bytes).toEqual(before);
  await again.disconnect();
  expect(await readAll(2)).toBe('right');
  await rollBack(place({ key }), 'then');
  expect(await readAll(1)).toBe('right');
  expect(await checkLogVolume(place({ key }))).toMatchObject({ problems: [] });
});

test('a follower of an encrypted volume reads what comes, also once the passphrase was changed', async () => {
  await createSmall(objects, { key });
  await write(1);
  // An epoch that the root no longer tells of: only the directory does.
  await write(5, { sectors: 1 });
  const writer = await connectSmall(objects, { key });
  const clock = clockByHand();
  const follower = await connectSmall(objects, { key, readOnly: true, followMs: 10, clock });
  await changePassphrase(place({ key }), { key: otherKey });
  await writer.write(0, [contentsOf(9)]);
  await writer.flush();
  clock.runTimers();
  // It has looked, and waits to look again.
  await expect.poll(() => clock.hasTimers()).toBe(true);
  const bytes = new Uint8Array(2 * SECTOR_SIZE);
  const wanted = Buffer.concat([contentsOf(9), contentsOf(1, 2).subarray(SECTOR_SIZE)]);
  await expect
    .poll(async () => {
      await follower.read(0, [bytes]);
      return Buffer.compare(bytes, wanted);
    })
    .toBe(0);
  await follower.disconnect();
  await writer.disconnect();
});
