import {
  type ApiRequest,
  checkFields,
  flagField,
  json,
  RequestError,
  type Route,
  sizeField,
  textField,
} from '@blockyard/http-api';
import { snapshotUri, type UriDevice } from '@blockyard/uri';
import { oneOf } from './http/one-of.js';
import type { Volume } from './volumes/volume.js';

/** What a running server does when it is asked to. */
export interface Actions {
  /** What is served. */
  readonly volumes: () => readonly Volume[];
  /** Tells that what is left of these is done as fast as it can be, until it is over. */
  readonly draining: <T>(volumes: readonly Volume[], work: Promise<T>) => Promise<T>;
  readonly stop: () => void;
}

export function actionRoutes({ volumes, draining, stop }: Actions): Route[] {
  const one = (body: ApiRequest['body']) => oneOf(volumes(), body);
  const some = (body: ApiRequest['body']) => ('export' in body ? [one(body)] : volumes());
  const forEach = async (chosen: readonly Volume[], work: (device: UriDevice) => Promise<unknown>) => {
    await draining(chosen, allOf(chosen.map(({ device }) => work(device))));
    return {};
  };
  return [
    post('/v1/flush', [], (body) => forEach(some(body), (device) => device.flush())),
    post('/v1/drain', [], (body) => forEach(some(body), drain)),
    post('/v1/snapshot', ['name'], async (body) => {
      const name = textField(body, 'name');
      const volume = one(body);
      if (!volume.device.info.readOnly) await draining([volume], drain(volume.device));
      return snapshotUri(volume.uri, name);
    }),
    post('/v1/resize', ['sizeBytes', 'shrink'], (body) =>
      resize(one(body).device, sizeField(body, 'sizeBytes'), flagField(body, 'shrink')),
    ),
    post('/v1/cache', ['maxSizeBytes'], async (body) => {
      const maxSizeBytes = sizeField(body, 'maxSizeBytes');
      await setCacheSize(one(body), maxSizeBytes);
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

/** Waits for all of them, and then rejects with the first failure, if there is one. */
async function allOf(works: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

export async function drain(device: UriDevice): Promise<void> {
  await device.flush();
  await device.drain?.();
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
      checkFields(body, ['export', ...fields]);
      return json(await act(body));
    },
  };
}

export async function resize(device: UriDevice, sizeBytes: number, shrink: boolean) {
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

/** From now on, also if the device is opened again. Rejects with a `RequestError` where there is no cache. */
export async function setCacheSize(volume: Volume, maxSizeBytes: number): Promise<void> {
  const { device } = volume;
  if (!hasCache(device)) throw new RequestError('CONFLICT', 'there is no cache', 'serve the device with --cache');
  await device.setMaxSizeBytes(maxSizeBytes);
  volume.change({ ...volume.options, cache: maxSizeBytes });
}

export function hasCache(device: UriDevice): device is UriDevice & { setMaxSizeBytes(bytes: number): Promise<void> } {
  return 'setMaxSizeBytes' in device;
}
