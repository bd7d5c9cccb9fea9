import type { Server } from 'node:http';
import { fdOf, guard, type HttpAddress, listenHttp, type Route, urlOf } from '@blockyard/http-api';
import { Failure, messageOf } from '../../terminal/failure.js';
import type { InheritedHttp } from './inherited.js';
import type { Token } from './token.js';
import { translate } from './translate.js';

const BODY_BYTES_MAX = 65_536;
/** How long the address may still be another process's, which hands over. */
const HAND_OVER_MS = 10_000;

export interface WebOptions {
  readonly routes: readonly Route[];
  /** Without one, nothing is changed. */
  readonly token: Token | undefined;
  /** Whether the address may be one that another process is about to leave. */
  readonly isInherited: boolean;
  /** The socket, where that process has handed it over. */
  readonly fd?: number | undefined;
}

/** The API on a TCP port, for browsers and monitors. */
export class WebServer {
  readonly #server: Server;
  readonly #address: HttpAddress;

  private constructor(server: Server, address: HttpAddress) {
    this.#server = server;
    this.#address = address;
  }

  /** Port 0: any free one. Rejects with a `Failure` if it cannot listen there. */
  static async begin(address: HttpAddress, { routes, token, isInherited, fd }: WebOptions): Promise<WebServer> {
    const hint = 'serve with --http-token-file, or use the control socket';
    const check = guard({ host: address.host, token, hint });
    const options = { routes, check, translate, keepAlive: true, maxBodyBytes: BODY_BYTES_MAX };
    const how = { fd, waitMs: isInherited ? HAND_OVER_MS : 0, signal: new AbortController().signal };
    try {
      return new WebServer(await listenHttp(address, options, how), address);
    } catch (error) {
      throw new Failure(`--http: ${messageOf(error)}`, 'an address must be one of this machine, and free', error);
    }
  }

  /** Where it is, with the port that it has got. */
  get url(): string {
    return urlOf(this.#server, this.#address);
  }

  /** For a process that takes over. */
  get inheritance(): InheritedHttp | undefined {
    const fd = fdOf(this.#server);
    return fd === undefined ? undefined : { name: 'http', address: this.#address, fd };
  }

  end(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }
}
