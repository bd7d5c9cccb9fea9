import type { NbdServer } from '@blockyard/nbd';
import { durabilityLine } from '../devices/tier-log.js';
import type { Context } from '../terminal/context.js';
import type { WebServer } from './http/web.js';
import type { Volume } from './volumes/volume.js';

/** Tells where a volume is found: its URI in a line, or an object in one. */
export async function announce(
  context: Context,
  server: NbdServer,
  { name, device, log }: Volume,
  isJson: boolean,
  { web, page }: { readonly web: WebServer | undefined; readonly page: { readonly url: string } | undefined },
): Promise<void> {
  const uri = server.uris[name];
  if (uri === undefined) throw new Error('a server has a URI for each export');
  const { sectorSize, sizeSectors, readOnly } = device.info;
  const { durability } = device;
  const facts = {
    uri,
    export: name,
    sizeBytes: sectorSize * sizeSectors,
    sectorSize,
    readOnly,
    durability,
    ...(web && { http: web.url }),
    ...(page && { page: page.url }),
  };
  log(durabilityLine(durability));
  await context.print(isJson ? JSON.stringify(facts) : uri);
}
