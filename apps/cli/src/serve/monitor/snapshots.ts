import type { Snapshots } from '@blockyard/metrics';
import type { NbdServer } from '@blockyard/nbd';
import type { UriDevice } from '@blockyard/uri';

/** A device under the name of its export. */
export interface Served {
  readonly name: string;
  readonly device: UriDevice;
}

/** What a server and its devices have to tell at this moment. Nothing, while there is no server. */
export function snapshotsOf(server: Pick<NbdServer, 'stats'> | undefined, served: readonly Served[]): Snapshots {
  if (server === undefined) return { exports: {} };
  return {
    nbd: server.stats(),
    exports: Object.fromEntries(served.map(({ name, device }) => [name, partsOf(device)])),
  };
}

function partsOf(device: UriDevice) {
  const tier = device.tier?.();
  return {
    cache: device.cacheSnapshot?.(),
    traffic: device.storeTraffic?.(),
    store: device.storeSnapshot?.(),
    log: device.logSnapshot?.(),
    objectCache: tier?.objectCache ?? undefined,
    writeLog: tier?.writeLog ?? undefined,
  };
}
