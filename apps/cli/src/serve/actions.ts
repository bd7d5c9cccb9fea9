import { checkFields, flagField, json, RequestError, type Route, sizeField, textField } from '@blockyard/http-api';
import { snapshotUri, type UriDevice } from '@blockyard/uri';

/** What a running server does when it is asked to. */
export interface Actions {
  readonly uri: string;
  readonly device: () => UriDevice;
  /** Tells that what is left is done as fast as it can be, until it is over. */
  readonly draining: <T>(work: Promise<T>) => Promise<T>;
  /** The cache has that size from now on, also if the device is opened again. */
  readonly onCacheSize: (maxSizeBytes: number) => void;
  readonly stop: () => void;
}

export function actionRoutes(actions: Actions): Route[] {
  const { uri, device, draining, onCacheSize, stop } = actions;
  const drain = async () => {
    const present = device();
    await present.flush();
    await present.drain?.();
  };
  return [
    post('/v1/flush', [], async () => {
      await draining(device().flush());
      return {};
    }),
    post('/v1/drain', [], async () => {
      await draining(drain());
      return {};
    }),
    post('/v1/snapshot', ['name'], async (body) => {
      const name = textField(body, 'name');
      if (!device().info.readOnly) await draining(drain());
      return snapshotUri(uri, name);
    }),
    post('/v1/resize', ['sizeBytes', 'shrink'], (body) =>
      resize(device(), sizeField(body, 'sizeBytes'), flagField(body, 'shrink')),
    ),
    post('/v1/cache', ['maxSizeBytes'], async (body) => {
      const maxSizeBytes = sizeField(body, 'maxSizeBytes');
      await setCacheSize(device(), maxSizeBytes);
      onCacheSize(maxSizeBytes);
      return { maxSizeBytes };
    }),
    {
      method: 'POST',
      path: '/v1/stop',
      answer: ({ body }) => {
        checkFields(body, []);
        // The answer goes first.
        setImmediate(stop);
        return json({ state: 'stopping' }, 202);
      },
    },
  ];
}

function post(
  path: string,
  fields: readonly string[],
  act: (body: Readonly<Record<string, unknown>>) => Promise<unknown>,
): Route {
  return {
    method: 'POST',
    path,
    async answer({ body }) {
      checkFields(body, fields);
      return json(await act(body));
    },
  };
}

async function resize(device: UriDevice, sizeBytes: number, shrink: boolean) {
  const { sectorSize, sizeSectors } = device.info;
  const oldSizeBytes = sizeSectors * sectorSize;
  if (sizeBytes % sectorSize !== 0) {
    throw new RequestError('BAD_REQUEST', `sizeBytes must be whole sectors of ${sectorSize} bytes`);
  }
  if (sizeBytes < oldSizeBytes && !shrink) {
    const hint = 'if that is meant, add "shrink": true';
    throw new RequestError('CONFLICT', `${sizeBytes} bytes are less than the ${oldSizeBytes} that there are`, hint);
  }
  await device.resize(sizeBytes / sectorSize);
  await device.flush();
  return { oldSizeBytes, sizeBytes };
}

async function setCacheSize(device: UriDevice, maxSizeBytes: number): Promise<void> {
  if (!hasCache(device)) throw new RequestError('CONFLICT', 'there is no cache', 'serve the device with --cache');
  await device.setMaxSizeBytes(maxSizeBytes);
}

function hasCache(device: UriDevice): device is UriDevice & { setMaxSizeBytes(bytes: number): Promise<void> } {
  return 'setMaxSizeBytes' in device;
}
