import { closeSync } from 'node:fs';
import type { HttpAddress } from '@blockyard/http-api';

/** What listens for HTTP, by the option that asks for it. */
export type HttpName = 'metrics' | 'http' | 'page';

/** A socket that listens for HTTP, and that another process has, for one that takes over from it. */
export interface InheritedHttp {
  readonly name: HttpName;
  /** Where it listens, as the operator said it. */
  readonly address: HttpAddress;
  readonly fd: number;
}

/** The sockets of a server for one that takes over from it. */
export class InheritedHttpSockets {
  readonly #sockets: readonly InheritedHttp[];

  /** Those for which there is no use at `addresses` are closed: no one would answer there any longer. */
  constructor(sockets: readonly InheritedHttp[], addresses: Readonly<Partial<Record<HttpName, HttpAddress>>>) {
    const wanted = (['metrics', 'http', 'page'] as const).flatMap((name) => find(sockets, name, addresses[name]) ?? []);
    for (const socket of sockets) if (!wanted.includes(socket)) closeSync(socket.fd);
    this.#sockets = wanted;
  }

  /** The descriptor of the one that listens there; undefined if there is none. */
  fd(name: HttpName, address: HttpAddress): number | undefined {
    return find(this.#sockets, name, address)?.fd;
  }
}

/** Of addresses that are any free port, each option has its own. */
function find(
  sockets: readonly InheritedHttp[],
  name: HttpName,
  address: HttpAddress | undefined,
): InheritedHttp | undefined {
  return sockets.find(
    (each) =>
      each.address.host === address?.host &&
      each.address.port === address.port &&
      (address.port !== 0 || each.name === name),
  );
}
