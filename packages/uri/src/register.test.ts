import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, BlockError, type ListedDevice, type UriScheme } from '@blockyard/block';
import { withReadOnly } from '@blockyard/layers';
import { afterEach, describe, expect, test } from 'vitest';
import { connectUri, createUri, deleteUri, layoutOfUri, listUri, registerScheme, setSchemeFinder } from './index.js';

let made = 0;
/** Schemes are registered for good. */
const newName = () => `tape${++made}`;

/** Tapes in memory, by their paths; and what the scheme was asked. */
class Tapes {
  readonly sizes = new Map<string, number>();
  readonly asked: unknown[] = [];

  scheme(name: string, more: Partial<UriScheme> = {}): UriScheme {
    return {
      example: `${name}:one?speed=fast`,
      parameters: ['speed', 'sector'],
      durability: { write: 'memory', flush: 'local' },
      connect: async (uri, options) => {
        this.asked.push([uri.path, uri.choice('speed', ['fast', 'slow']), options]);
        const device = await connectMemory({ sizeSectors: this.#sizeOf(uri.path) / 512 });
        return options.readOnly ? withReadOnly(device) : device;
      },
      create: async (uri, options) => {
        this.asked.push([uri.path, options]);
        if (this.sizes.has(uri.path)) throw new BlockError('ALREADY_EXISTS', `${uri.path} is there`);
        this.sizes.set(uri.path, options.sizeBytes);
      },
      ...more,
    };
  }

  #sizeOf(path: string): number {
    const sizeBytes = this.sizes.get(path);
    if (sizeBytes === undefined) throw new BlockError('NOT_FOUND', `there is no ${path}`);
    return sizeBytes;
  }
}

function register(more: Partial<UriScheme> = {}): { readonly name: string; readonly tapes: Tapes } {
  const [name, tapes] = [newName(), new Tapes()];
  registerScheme(name, tapes.scheme(name, more));
  return { name, tapes };
}

afterEach(() => setSchemeFinder(undefined));

describe('a registered scheme', () => {
  test('is created, opened with its parameters, and goes below a cache', async () => {
    const { name, tapes } = register();
    await createUri(`${name}:/srv/a%20b?sector=512`, { sizeBytes: 8192 });
    await expect(createUri(`${name}:/srv/a%20b`, { sizeBytes: 8192 })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      operation: 'create',
    });
    const uri = `${name}:///srv/a%20b?speed=slow`;
    await using device = await connectUri(uri, { cacheSizeBytes: 2 ** 20, takeOver: false, maxOutageMs: 5 });
    expect(device.info.sizeSectors).toBe(16);
    expect(device.durability).toEqual({ write: 'memory', flush: 'local' });
    expect(tapes.asked).toEqual([
      ['/srv/a b', { sizeBytes: 8192, sectorSize: 512, chunkBytes: undefined, reserve: false }],
      ['/srv/a b', expect.anything()],
      ['/srv/a b', 'slow', { readOnly: false, takeOver: false, maxOutageMs: 5 }],
    ]);
    await expect(connectUri(`${name}:none`)).rejects.toMatchObject({ code: 'NOT_FOUND', operation: 'connect' });
    expect(await layoutOfUri(uri)).toBeUndefined();
  });

  test('is refused what it does not declare, before it is asked', async () => {
    const { name, tapes } = register();
    const create = (options: object, query = '') => createUri(`${name}:one${query}`, { sizeBytes: 512, ...options });
    await expect(create({ chunkBytes: 4096 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(create({ reserve: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(create({ layout: 'log' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(create({}, '?colour=red')).rejects.toThrow(`unknown parameter "colour"; ${name}: has speed, sector`);
    await expect(connectUri(`${name}:one`, { tier: { directory: '/tmp/tier' } })).rejects.toThrow('stores no objects');
    await expect(deleteUri(`${name}:one`)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(listUri(`${name}:one`)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(`^${name}: lists no devices; those that do are s3:, dir:`),
    });
    await expect(connectUri(`${name}:one?speed=odd`)).rejects.toThrow('?speed= must be fast or slow');
    await expect(connectUri(`${name}://host/one`)).rejects.toThrow('has no host');
    expect(tapes.asked).toEqual([]);
  });

  test('gets what it declares', async () => {
    const { name, tapes } = register({ hasChunks: true, canReserve: true });
    await createUri(`${name}:one`, { sizeBytes: 512, chunkBytes: 4096, reserve: true });
    expect(tapes.asked).toEqual([['one', expect.objectContaining({ chunkBytes: 4096, reserve: true })]]);
  });

  test('that cannot create says so', async () => {
    const name = newName();
    const { create: _create, ...scheme } = new Tapes().scheme(name);
    registerScheme(name, scheme);
    await expect(createUri(`${name}:one`, { sizeBytes: 512 })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(`${name}: cannot create a device`),
    });
  });

  test('deletes its devices', async () => {
    const gone: string[] = [];
    const { name } = register({
      delete: async ({ path }) => {
        if (path === 'none') throw new BlockError('NOT_FOUND', 'there is no such tape');
        gone.push(path);
      },
    });
    await deleteUri(`${name}:one`);
    await expect(deleteUri(`${name}:none`)).rejects.toMatchObject({ code: 'NOT_FOUND', operation: 'delete' });
    expect(gone).toEqual(['one']);
  });

  test('lists its devices, and is named to those who ask one that does not', async () => {
    const listed: unknown[] = [];
    const { name } = register({
      list: async ({ path }) => {
        if (path === 'none') throw new BlockError('NOT_FOUND', 'there is no such shelf');
        return listed as ListedDevice[];
      },
    });
    listed.push({ uri: `${name}:shelf/a`, sizeBytes: 8192 }, { uri: `${name}:shelf/b`, storedBytes: 512 });
    expect(await listUri(`${name}:shelf`)).toEqual(listed);
    await expect(listUri(`${name}:none`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(listUri('memory:?size=1M')).rejects.toThrow(`${name}:`);
    for (const wrong of [{ uri: 'file:/a' }, { uri: `${name}:a`, sizeBytes: 0.5 }]) {
      listed.splice(0, Number.POSITIVE_INFINITY, wrong);
      await expect(listUri(`${name}:shelf`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  test('whose device can be changed although it was to be read only is refused, and the device ended', async () => {
    let device: BlockDevice | undefined;
    const { name } = register({
      connect: async () => {
        device = await connectMemory({ sizeSectors: 8 });
        return device;
      },
    });
    await expect(connectUri(`${name}:one`, { readOnly: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(device?.flush()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  test('that gives no device is told so', async () => {
    const { name } = register({ connect: async () => ({}) as BlockDevice });
    await expect(connectUri(`${name}:one`)).rejects.toThrow(`what ${name}: opened must be a block device`);
  });
});

describe('registerScheme', () => {
  test('never replaces a scheme, and takes the same one again', () => {
    const [name, tapes] = [newName(), new Tapes()];
    const scheme = tapes.scheme(name);
    for (let times = 0; times < 2; times++) registerScheme(name, scheme);
    for (const taken of [name, 'file', 'nbd+unix']) {
      expect(() => registerScheme(taken, tapes.scheme(taken))).toThrow(
        expect.objectContaining({ code: 'ALREADY_EXISTS' }),
      );
    }
  });

  test.each(['', 'T', 'Tape', 'a', '1tape', 'ta pe', 'tape:', 5 as unknown as string])(
    'refuses the name %j',
    (name) => {
      expect(() => registerScheme(name, new Tapes().scheme(name))).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    },
  );

  test.each<[string, object | undefined, RegExp]>([
    ['nothing', undefined, /must be an object/],
    ['a misspelt member', { conect: () => {} }, /unknown option "conect" in scheme \w+; there are: example/],
    ['the example of another', { example: 'other:x' }, /example must be a URI that begins with tape/],
    ['parameters that are no list', { parameters: 'speed' }, /parameters must be a list/],
    ['a parameter that every URI has', { parameters: ['snapshot'] }, /every URI has the parameter snapshot/],
    ['no durability', { durability: undefined }, /durability of scheme \w+ must be an object/],
    [
      'an odd durability',
      { durability: { write: 'memory', flush: 'tape' } },
      /durability.flush of .* must be 'memory', 'local'/,
    ],
    ['no connect', { connect: undefined }, /connect of .* must be a function/],
    ['a create that is no function', { create: true }, /create of .* must be a function/],
    ['a delete that is no function', { delete: true }, /delete of .* must be a function/],
    ['hasChunks that is no boolean', { hasChunks: 1 }, /hasChunks of .* must be true or false/],
    ['canReserve that is no boolean', { canReserve: 1 }, /canReserve of .* must be true or false/],
  ])('refuses a scheme with %s', (_what, more, message) => {
    const name = newName();
    const scheme = more === undefined ? undefined : { ...new Tapes().scheme(name), ...more };
    expect(() => registerScheme(name, scheme as UriScheme)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    );
  });
});

describe('a finder of schemes', () => {
  test('is asked for schemes that are not known, and what it finds is registered', async () => {
    const [name, tapes] = [newName(), new Tapes()];
    const asked: string[] = [];
    setSchemeFinder(async (wanted) => {
      asked.push(wanted);
      return wanted === name ? tapes.scheme(name) : undefined;
    });
    await Promise.all([createUri(`${name}:one`, { sizeBytes: 512 }), createUri(`${name}:two`, { sizeBytes: 512 })]);
    await (await connectUri(`${name}:one`)).disconnect();
    expect([...tapes.sizes.keys()]).toEqual(['one', 'two']);
    expect(new Set(asked)).toEqual(new Set([name]));
    const before = asked.length;
    await (await connectUri('memory:?size=1M')).disconnect();
    await (await connectUri(`${name}:two`)).disconnect();
    expect(asked).toHaveLength(before);
    await expect(connectUri('ftp://host/x')).rejects.toThrow(
      new RegExp(`unknown scheme "ftp"; there are memory.*${name}`),
    );
  });

  test('whose find is no scheme fails the call, and registers nothing', async () => {
    const name = newName();
    setSchemeFinder(async () => ({}) as UriScheme);
    await expect(connectUri(`${name}:one`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    setSchemeFinder(undefined);
    await expect(connectUri(`${name}:one`)).rejects.toThrow(/unknown scheme/);
  });
});
