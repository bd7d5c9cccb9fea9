import type { Snapshots } from '@blockyard/metrics';
import type { NbdServer } from '@blockyard/nbd';
import type { UriDevice } from '@blockyard/uri';

/** What a server and its device have to tell at this moment. Nothing, while there is no server. */
export function snapshotsOf(
  server: Pick<NbdServer, 'stats'> | undefined,
  exportName: string,
  device: UriDevice | undefined,
): Snapshots {
  if (server === undefined || device === undefined) return { exports: {} };
  const tier = device.tier?.();
  const own = {
    cache: device.cacheSnapshot?.(),
    traffic: device.storeTraffic?.(),
    store: device.storeSnapshot?.(),
    log: device.logSnapshot?.(),
    objectCache: tier?.objectCache ?? undefined,
    writeLog: tier?.writeLog ?? undefined,
  };
  return { nbd: server.stats(), exports: { [exportName]: own } };
}
