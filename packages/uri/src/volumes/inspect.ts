import type { VolumeSummary as LogSummary } from '@blockyard/backend-log';
import type { VolumeSummary as ChunksSummary, VolumeSpace } from '@blockyard/backend-s3';
import { schemeOf } from '../schemes/all.js';
import { findLayout } from '../schemes/find-layout.js';
import type { Layout } from '../schemes/layout.js';
import type { StorePlace } from '../schemes/scheme.js';
import { DeviceUri } from '../syntax/device-uri.js';
import { logPlaceOf, presentUri, withStore } from './volume-uri.js';

/** What a volume is, seen from outside. */
export type UriVolumeSummary =
  | (LogSummary & { readonly layout: 'log' })
  | (ChunksSummary & {
      readonly layout: 'chunks';
      /** What its data take. Left out unless it was asked for: all its objects are listed for it. */
      readonly space?: VolumeSpace;
    });

/** Options of {@link inspectUri}. */
export interface InspectUriOptions {
  /** Whether a volume of chunks is measured, by listing its objects. What a log takes is known without. Default: false. */
  readonly measure?: boolean;
}

/** Looks at a volume beside a process that has it open. Rejects with `NOT_FOUND` if there is none, and as its backend does. */
export async function inspectUri(text: string, { measure = false }: InspectUriOptions = {}): Promise<UriVolumeSummary> {
  return withStore(await presentUri(text), async (place) => {
    const summary = await inspectAt(place);
    if (!measure || summary.layout === 'log') return summary;
    const { measureVolume } = await import('@blockyard/backend-s3');
    return { ...summary, space: await measureVolume(place) };
  });
}

export async function inspectAt(place: StorePlace): Promise<UriVolumeSummary> {
  const { store, prefix } = place;
  if ((await findLayout(store, prefix)) === 'log') {
    const { inspectLogVolume } = await import('@blockyard/backend-log');
    return { layout: 'log', ...(await inspectLogVolume(logPlaceOf(place))) };
  }
  const { inspectVolume } = await import('@blockyard/backend-s3');
  return { layout: 'chunks', ...(await inspectVolume({ store, prefix })) };
}

/** The layout of the volume that a URI names; undefined if it names another kind of device, or a moment of the past. */
export async function layoutOfUri(text: string): Promise<Layout | undefined> {
  const uri = new DeviceUri(text);
  const { volumes } = await schemeOf(uri);
  if (volumes === undefined || uri.moment !== undefined) return undefined;
  return withStore({ uri, volumes }, ({ store, prefix }) => findLayout(store, prefix));
}
