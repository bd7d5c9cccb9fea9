import type { BlockDevice } from '@blockyard/block';
import type { ExportOptions } from './exports/exports.js';
import type { HandedOver } from './hand-over/hand-over.js';
import type { HandOverOptions } from './hand-over/options.js';
import type { ServerStats } from './stats.js';
import type { TlsOptions } from './tls.js';

/** A running server. */
export interface NbdServer extends AsyncDisposable {
  /** Where it listens. */
  readonly address: { readonly path: string } | { readonly host: string; readonly port: number };
  /** An NBD URI for each export name. That of a Unix socket has its whole path. */
  readonly uris: Readonly<Record<string, string>>;
  /** Connections open now. */
  readonly connections: number;
  /**
   * The listening socket, for a process to inherit that will take over; undefined where that cannot be: on Windows, and where a Unix
   * socket's path has no room for another name beside it (a folder of more than 96 bytes).
   */
  readonly fd: number | undefined;
  /** What the server has done so far, and what it holds. */
  stats(): ServerStats;
  /**
   * Serves one more device. Throws `INVALID_ARGUMENT`, `ALREADY_EXISTS` if there is an export of that name, `LOCKED` while the server is
   * handed over, `DISCONNECTED` for a server that is stopped.
   */
  addExport(name: string, device: BlockDevice | ExportOptions): void;
  /**
   * Ends one export, as `stop` ends all: its clients have the replies to what was read from them, and its device is flushed, or disconnected
   * if the server owns it and it has no other export. Others notice nothing.
   *
   * Rejects with `NOT_FOUND`, with `LOCKED` while the server is handed over, `DISCONNECTED` for one that is stopped, or if the flush fails,
   * with what is lost; then the export is there as before. With `force` its clients are cut off, and what is not durable is given up.
   */
  removeExport(name: string, options?: { readonly force?: boolean }): Promise<void>;
  /**
   * Later clients are met with these keys and certificates; those that are connected keep what they have. Throws `INVALID_ARGUMENT` if
   * they cannot be used, the mode is another, or the server has no TLS; then nothing has changed.
   */
  replaceTls(tls: TlsOptions): void;
  /**
   * Moves all clients to another process, which goes on with them; they notice nothing but a pause. The server must own its
   * devices, which it disconnects. If it rejects, it goes on as before. One at a time.
   *
   * Afterwards `stop` waits for the clients that were slow to take their last replies from here, and then for those with TLS, whom only
   * this process can understand: it passes on what they say.
   *
   * Rejects with `UNSUPPORTED` where sockets cannot be sent to other processes, or where the successor cannot keep to what clients were
   * told, `UNAVAILABLE` if the successor fails or ends, `TIMEOUT`, `LOCKED` while another one is under way, `DISCONNECTED` for a
   * server that is stopped, or with what a device fails with. If the devices cannot be opened again, the server stops by force.
   */
  handOver(options: HandOverOptions): Promise<HandedOver>;
  /**
   * Takes no further connection and no further request, answers what was read, and flushes every device, or disconnects it if
   * the server owns it. Idempotent.
   *
   * Rejects if a flush fails, with a `BlockError` that says what is lost; the devices go on, and `stop` can be called again.
   * With `force` it terminates all connections, gives up what is not durable, and resolves.
   */
  stop(options?: { readonly force?: boolean }): Promise<void>;
}
