import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFaults, startTestStore, type TestStore } from '@blockyard/local-s3';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { connectS3, createVolume } from './index.js';

let store: TestStore;
let proxy: Awaited<ReturnType<typeof startFaults>>;
let folder: string;

beforeAll(async () => {
  store = await startTestStore('local');
  proxy = await startFaults(store);
  folder = await mkdtemp(join(tmpdir(), 'blockyard-credentials-'));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await proxy.stop();
  await store.stop();
  await rm(folder, { recursive: true });
});

const SECTOR = [new Uint8Array(4096).fill(7)];

async function expectStored(at: Parameters<typeof connectS3>[0]): Promise<void> {
  const device = await connectS3({ ...at, readOnly: true });
  const sector = new Uint8Array(4096);
  await device.read(0, [sector]);
  expect(sector).toEqual(SECTOR[0]);
  await device.disconnect();
}

test('a key that is replaced in the file it came from is found when the store refuses the old one', async () => {
  const { credentials, ...place } = proxy.volume();
  const file = join(folder, 'credentials');
  const write = ({ accessKeyId, secretAccessKey }: typeof credentials) =>
    writeFile(file, `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`);
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  await write({ ...credentials, secretAccessKey: 'old' });
  proxy.requests.length = 0;
  let written: Promise<void> | undefined;
  proxy.onRequest = () => {
    written ??= write(credentials);
    return undefined;
  };
  await createVolume({ ...place, sizeBytes: 1 << 20 });
  await written;
  const device = await connectS3(place);
  await device.write(0, SECTOR);
  await device.disconnect();
  await expectStored({ ...place, credentials });
});

test('a provider is asked anew when what it gave is refused', async () => {
  const { credentials, ...place } = proxy.volume();
  let given = { ...credentials, secretAccessKey: 'wrong' };
  let asked = 0;
  const provider = async () => {
    asked++;
    const now = given;
    given = credentials;
    return now;
  };
  const at = { ...place, credentials: provider };
  await createVolume({ ...at, sizeBytes: 1 << 20 });
  expect(asked).toBe(2);
  const device = await connectS3(at);
  await device.write(0, SECTOR);
  await device.disconnect();
  await expectStored(at);
});

test('a provider that fails is ACCESS_DENIED, and its secrets stand in no message', async () => {
  const { credentials: _, ...place } = proxy.volume();
  const provider = async () => {
    throw new Error('vault sealed');
  };
  await expect(createVolume({ ...place, sizeBytes: 4096, credentials: provider })).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
  });
});
