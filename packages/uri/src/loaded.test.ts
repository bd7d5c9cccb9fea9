import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBlockError } from '@blockyard/block';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectUri, createUri, deleteUri, loadUri, rollBackUri, snapshotUri, type UriDevice } from './index.js';

const SECTOR = 4096;
const VOLUME_BYTES = 8 * 2 ** 20;
let folder: string;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-loaded-'));
  await writeFile(join(folder, 'one'), 'a passphrase that no one guesses');
});
afterAll(() => rm(folder, { recursive: true }));

async function write(device: UriDevice, value: number): Promise<void> {
  await device.write(0, [new Uint8Array(8 * SECTOR).fill(value)]);
  await device.flush();
}

/** What is done to a volume behind the back of one that has read it. */
const CHANGES = {
  'rolled back': (uri: string) =>
    rollBackUri(uri.replace('/web-1', '/web-1@before'), { takeOver: true, acceptLoss: true }),
  'made anew': async (uri: string, other: string) => {
    await deleteUri(uri, { takeOver: true, acceptLoss: true });
    await createUri(other, { sizeBytes: VOLUME_BYTES });
    const device = await connectUri(other, { acceptLoss: true });
    await write(device, 3);
    await device.disconnect();
  },
  'left alone': async () => {},
} as const;

const GONE = { code: 'NOT_FOUND', message: expect.stringMatching(/was deleted, and is another volume now/) };

type Change = keyof typeof CHANGES;
/** What it begins with that opens the volume afterwards. */
type Known = 'nothing' | 'loaded' | 'caught up' | 'left';

/** What is found in a volume that was changed once its writer had let go of it: a value, or the code of an error. */
async function found(change: Change, isDrained: boolean, secrets: readonly string[], known: Known) {
  const place = join(folder, String(made++));
  const [uri = '', other = ''] = secrets.map(
    (name) => `dir:${place}/store/web-1${name && `?passphrase-file=${join(folder, name)}`}`,
  );
  const tier = { directory: join(place, 'tier'), maxSizeBytes: 2 ** 24, durability: 'local' as const };
  await createUri(uri, { sizeBytes: VOLUME_BYTES });
  const device = await connectUri(uri, { tier });
  await write(device, 1);
  await device.drain?.();
  await snapshotUri(uri, 'before');
  await write(device, 2);
  const loading = await loadUri(uri, { tier });
  if (isDrained) await device.drain?.();
  else await device.prepareToLeave?.();
  await device.disconnect();
  await CHANGES[change](uri, other);
  const isGone = change === 'made anew';
  if (known === 'caught up')
    await (isGone ? expect(loading?.catchUp()).rejects.toMatchObject(GONE) : loading?.catchUp());
  const begin = { nothing: undefined, left: device.left?.(), loaded: loading?.loaded, 'caught up': loading?.loaded };
  loading?.close();
  const loaded = begin[known];
  try {
    const again = await connectUri(isGone ? other : uri, { tier, ...(loaded && { loaded }) });
    const bytes = new Uint8Array(SECTOR);
    await again.read(0, [bytes]);
    await again.disconnect();
    return bytes[0];
  } catch (error) {
    return isBlockError(error) ? error.code : error;
  }
}

describe('What was read of a volume beforehand', () => {
  test.each([
    ['left alone', 'undrained', 'caught up', 2],
    ['rolled back', 'undrained', 'loaded', 'TIER_MISSING'],
    ['rolled back', 'undrained', 'left', 'TIER_MISSING'],
    ['rolled back', 'drained', 'caught up', 1],
    ['made anew', 'undrained', 'loaded', 'TIER_MISSING'],
    ['made anew', 'drained', 'loaded', 3],
  ] as const)('and then was %s, its tier %s, and %s, leads to what is found without: %s', async (...row) => {
    const [change, tier, known, outcome] = row;
    const tried = [known, 'nothing'] as const;
    const outcomes = tried.map((each) => found(change, tier === 'drained', ['', ''], each));
    expect(await Promise.all(outcomes)).toEqual([outcome, outcome]);
  });

  test.each([
    ['', ''],
    ['one', 'one'],
  ])(
    'is not caught up with where another volume is in its place (passphrase %j, then %j), which is opened',
    async (...secrets) => {
      expect(await found('made anew', true, secrets, 'caught up')).toBe(3);
    },
  );
});
