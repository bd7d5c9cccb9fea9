import type { DeviceUri } from '../syntax/device-uri.js';

/** How a volume lies in a store of objects: as chunks that are overwritten in place, or as a log, which has a past. */
export type Layout = 'chunks' | 'log';

export const LAYOUTS = ['chunks', 'log'] as const satisfies readonly Layout[];

/** `?layout=` of a URI. */
export function layoutIn(uri: DeviceUri): Layout | undefined {
  return uri.choice('layout', LAYOUTS);
}
