import type { HttpAddress, TokenCheck } from '@blockyard/http-api';
import type { NbdServer } from '@blockyard/nbd';
import type { Controls, PageLook } from '@blockyard/page';
import type { ServerStatus } from '@blockyard/page/status';
import type { UriDevice } from '@blockyard/uri';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf } from '../terminal/failure.js';
import type { InheritedHttp, InheritedHttpSockets } from './http/inherited.js';
import { snapshotsOf } from './monitor/snapshots.js';
import type { Volume } from './volumes/volume.js';

/** How long the address may still be another process's, which hands over. */
const HAND_OVER_MS = 10_000;

/** What the page of a server shows, and who may do what with it. */
export interface ShownServer {
  readonly server: Pick<NbdServer, 'stats'>;
  /** What is served. */
  readonly volumes: () => readonly Volume[];
  readonly watch: { status(): ServerStatus };
  /** What can be done with each. */
  readonly controls: (volume: Volume) => Controls;
  /** Without one the page is to look at only. */
  readonly token: TokenCheck | undefined;
  /** Those of another process that hands over: its address may be one that it is about to leave. */
  readonly sockets: InheritedHttpSockets | undefined;
}

/** A page that is served. */
export interface ShownPage {
  readonly url: string;
  /** For a process that takes over. */
  readonly inheritance: InheritedHttp | undefined;
  end(): void;
}

/**
 * Serves the page where it was asked for. Rejects with a `Failure` if it cannot listen; a server that has clients of another
 * process serves all the same.
 */
export async function beginPage(
  context: Context,
  address: HttpAddress | undefined,
  shown: ShownServer,
): Promise<ShownPage | undefined> {
  if (address === undefined) return undefined;
  // Loaded only where it is used.
  const { servePage } = await import('@blockyard/page');
  const { volumes, controls, token, sockets } = shown;
  const deviceOf = (volume: Volume) => ({
    name: volume.name,
    source: { look: () => lookAt(shown, volume) },
    controls: controls(volume),
  });
  const devices = () => volumes().map(deviceOf);
  const waitMs = sockets === undefined ? 0 : HAND_OVER_MS;
  const fd = sockets?.fd('page', address);
  try {
    const page = await servePage({ address, devices, token, waitMs, fd });
    const how = token === undefined ? '' : '; to change something, add /#token= and the token';
    context.log(`page at ${page.url}${how}`);
    return {
      url: page.url,
      get inheritance() {
        return page.fd === undefined ? undefined : { name: 'page' as const, address, fd: page.fd };
      },
      end: () => page.end(),
    };
  } catch (error) {
    if (sockets === undefined) {
      throw new Failure(`--page: ${messageOf(error)}`, 'an address must be one of this machine, and free', error);
    }
    context.log(`no page: ${JSON.stringify(messageOf(error))}`);
    return undefined;
  }
}

function lookAt({ server, watch }: ShownServer, volume: Volume): PageLook {
  const present = volume.device;
  return {
    identity: present,
    info: present.info,
    // Looked at a few times a second, and more often for the map.
    get snapshots() {
      return snapshotsOf(server, [volume]);
    },
    get status() {
      return watch.status();
    },
    ...(present.onTier === undefined ? {} : { tier: present.onTier }),
    ...(hasMap(present) && { map: (start, count, maxCells) => present.mapSteps(start, count, maxCells) }),
  };
}

type WithMap = UriDevice & { readonly mapSteps: NonNullable<PageLook['map']> };

/** Whether there is a cache. */
function hasMap(device: UriDevice): device is WithMap {
  return 'mapSteps' in device;
}
