import type { BlockDevice } from '@blockyard/block';
import { ControlledBase } from '@blockyard/conformance/testing';
import { describe, expect, test } from 'vitest';
import { type BackingFile, connectQcow2, type Qcow2Options } from './index.js';
import { buildImage, type ImageSpec } from './testing/build-image.js';
import { contentsOf, holding, pattern } from './testing/devices.js';

const CLUSTER = 4096;
const TOP: ImageSpec = {
  backing: { name: 'below', format: 'qcow2' },
  clusters: ['absent', 'zero', { data: pattern(CLUSTER, 1) }, 'absent', 'absent'],
};
const BELOW: ImageSpec = { clusters: [{ data: pattern(CLUSTER, 2) }, { data: pattern(CLUSTER, 3) }, 'absent', 'zero'] };

const baseOf = async (spec: ImageSpec) => new ControlledBase(await holding(buildImage(spec).bytes));

/** Opens an image over others, by name, and keeps what was asked for. */
async function over(files: Readonly<Record<string, BlockDevice>>, options: Qcow2Options = {}) {
  const asked: BackingFile[] = [];
  const openBacking = async (file: BackingFile) => {
    asked.push(file);
    const device = files[file.name];
    if (device === undefined) throw new Error('no such file');
    return device;
  };
  const base = await baseOf(TOP);
  return { base, asked, opening: connectQcow2(base, { openBacking, ...options }) };
}

describe('An image over another', () => {
  test('shows that one where it has nothing, and zeroes past its end', async () => {
    const { asked, opening } = await over({ below: await baseOf(BELOW) });
    await using device = await opening;
    const zeroes = new Uint8Array(CLUSTER);
    const expected = Buffer.concat([pattern(CLUSTER, 2), zeroes, pattern(CLUSTER, 1), zeroes, zeroes]);
    expect(expected.equals(await contentsOf(device))).toBe(true);
    expect(asked).toEqual([{ name: 'below', format: 'qcow2', through: [] }]);
    const types = (await device.extents(0, 40)).map(({ count, type }) => [count, type]);
    expect(types).toEqual([
      [8, 'data'],
      [8, 'zero'],
      [8, 'data'],
      [16, 'zero'],
    ]);
  });

  test('is refused where no one opens backing files, by the name that is in it', async () => {
    const base = await baseOf(TOP);
    await expect(connectQcow2(base)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/needs the backing file "below"/),
    });
    expect(base.disconnects).toBe(0);
  });

  test('of which it does not tell the format is refused, and read as the caller says', async () => {
    const spec: ImageSpec = { ...TOP, backing: { name: 'below' } };
    const openBacking = () => baseOf(BELOW);
    await expect(connectQcow2(await baseOf(spec), { openBacking })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/does not tell the format of its backing file "below"/),
    });
    await using raw = await connectQcow2(await baseOf(spec), { openBacking, backingFormat: 'raw' });
    const magic = new Uint8Array(512);
    await raw.read(0, [magic]);
    expect(Buffer.from(magic).toString('latin1', 0, 3)).toBe('QFI');
    await using image = await connectQcow2(await baseOf(spec), { openBacking, backingFormat: 'qcow2' });
    await image.read(0, [magic]);
    expect(magic).toEqual(pattern(CLUSTER, 2).subarray(0, 512));
  });

  test('of another format is refused', async () => {
    const spec: ImageSpec = { ...TOP, backing: { name: 'below', format: 'vmdk' } };
    await expect(connectQcow2(await baseOf(spec), { openBacking: () => baseOf(BELOW) })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/"below" is of format "vmdk"/),
    });
  });

  test('in a circle is refused after a bound, and all that was opened is ended', async () => {
    const opened: ControlledBase[] = [];
    const openBacking = async () => {
      const device = await baseOf(TOP);
      opened.push(device);
      return device;
    };
    const base = await baseOf(TOP);
    await expect(connectQcow2(base, { openBacking, maxBackingFiles: 3 })).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/more than 3 backing files/),
    });
    expect(opened.map(({ disconnects }) => disconnects)).toEqual([1, 1, 1]);
    expect(base.disconnects).toBe(0);
  });

  test('that is damaged is told by its own name, and ended', async () => {
    const below = new ControlledBase(await holding(new Uint8Array(4096)));
    const { opening } = await over({ below });
    await expect(opening).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringMatching(/no qcow2 image/) });
    expect(below.disconnects).toBe(1);
  });

  test('that cannot be opened fails as its opening does', async () => {
    const { opening } = await over({});
    await expect(opening).rejects.toMatchObject({ code: 'IO', message: expect.stringMatching(/no such file/) });
  });
});

describe('An image ends', () => {
  test('with its base and what lies below, once', async () => {
    const below = await baseOf(BELOW);
    const { base, opening } = await over({ below });
    const device = await opening;
    await Promise.all([device.disconnect(), device.disconnect()]);
    await device.disconnect();
    expect([base.disconnects, below.disconnects]).toEqual([1, 1]);
    await expect(device.read(0, [])).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  test('without its base where it does not own that', async () => {
    const below = await baseOf(BELOW);
    const { base, opening } = await over({ below }, { ownsBase: false });
    await (await opening).disconnect();
    expect([base.disconnects, below.disconnects]).toEqual([0, 1]);
  });

  test('by force although a read hangs, which begins nothing more', async () => {
    const { base, opening } = await over({ below: await baseOf(BELOW) });
    const device = await opening;
    await device.read(16, [new Uint8Array(512)]);
    base.hold('read');
    const reading = device.read(0, [new Uint8Array(40 * 512)]);
    const settled = reading.then(
      () => 'read',
      () => 'failed',
    );
    await base.called('read');
    await device.disconnect({ force: true });
    base.release('read');
    expect(await settled).toBe('failed');
  });
});

test('A wrong option is told before anything is read', async () => {
  const base = await baseOf(BELOW);
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ sectorSize: 1000 }, /sectorSize/],
    [{ snapshot: '' }, /snapshot/],
    [{ openBacking: 'file' }, /openBacking/],
    [{ backingFormat: 'vmdk' }, /backingFormat/],
    [{ maxBackingFiles: 0 }, /maxBackingFiles/],
    [{ maxTableBytes: -1 }, /maxTableBytes/],
    [{ maxClusterBytes: 0.5 }, /maxClusterBytes/],
    [{ ownsBase: 1 }, /ownsBase/],
    [{ clock: {} }, /clock/],
    [{ cache: 1 }, /unknown option "cache"/],
  ];
  for (const [options, message] of wrong) {
    const error: unknown = await connectQcow2(base, options as Qcow2Options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  }
  expect(base.calls('read')).toBe(0);
  await expect(connectQcow2({} as BlockDevice)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('A snapshot that there is not is not found', async () => {
  await expect(connectQcow2(await baseOf(BELOW), { snapshot: 'daily' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
