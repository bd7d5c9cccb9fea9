import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between client and server, and fails on demand. */
export class CutLine {
  readonly path: string;
  /** The server behind it; can be changed. */
  target: string;
  /** The server behind each connection, counted from 1, where they differ. */
  targetOf: (taken: number) => string = () => this.target;
  /** Whether new connections are taken. */
  open = true;
  /** Connections taken so far. */
  taken = 0;
  /** Called with what the server says before it is passed on; false holds it back for ever. */
  onReply: (bytes: Buffer) => boolean = () => true;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, target: string) {
    this.path = path;
    this.target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  }

  static async start(path: string, target: string): Promise<CutLine> {
    const line = new CutLine(path, target);
    await new Promise<void>((resolve) => line.#server.listen(path, resolve));
    return line;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** Cuts the oldest connection. */
  cutOne(): void {
    const [a, b] = this.#sockets;
    for (const socket of [a, b]) {
      socket?.destroy();
      if (socket !== undefined) this.#sockets.delete(socket);
    }
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket): void {
    if (!this.open) {
      client.destroy();
      return;
    }
    this.taken++;
    const server = connect({ path: this.targetOf(this.taken), allowHalfOpen: true });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('end', () => to.end());
      from.on('close', () => {
        to.destroy();
        this.#sockets.delete(from);
      });
      from.on('data', (bytes: Buffer) => {
        if (from === client || this.onReply(bytes)) to.write(bytes);
      });
    }
  }
}
