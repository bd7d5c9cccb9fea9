import { closeSync } from 'node:fs';
import type { HttpAddress } from '@blockyard/http-api';

/** What listens for HTTP, by the options that ask for it. */
export const HTTP_NAMES = ['metrics', 'http', 'page'] as const;

export type HttpName = (typeof HTTP_NAMES)[number];

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
  /** Where its predecessor stops to listen. Undefined: unknown, as it hands over none. */
  readonly #left: readonly HttpAddress[] | undefined;

  /** Those for which there is no use at `addresses` are closed: no one would answer there any longer. */
  constructor(
    sockets: readonly InheritedHttp[] | undefined,
    addresses: Readonly<Partial<Record<HttpName, HttpAddress>>>,
  ) {
    const all = sockets ?? [];
    const wanted = HTTP_NAMES.flatMap((name) => find(all, name, addresses[name]) ?? []);
    const unwanted = all.filter((socket) => !wanted.includes(socket));
    for (const { fd } of unwanted) closeSync(fd);
    this.#sockets = wanted;
    this.#left = sockets && unwanted.map(({ address }) => address);
  }

  /** Whether a port that is taken may be free once the predecessor has ended. Which one it has of any free ones is not known. */
  mayBeLeft({ port }: HttpAddress): boolean {
    return this.#left?.some((left) => left.port === port || left.port === 0) ?? true;
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
