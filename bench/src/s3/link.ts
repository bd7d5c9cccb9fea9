import { createConnection, createServer, type Socket } from 'node:net';

/** A piece that is on its way, and when it arrives. */
interface InFlight {
  readonly dueMs: number;
  /** Undefined: the end of the stream. */
  readonly bytes: Buffer | undefined;
}

/** What has gone over a link. */
export interface LinkCounts {
  /** Answers of the store, which are as many as the requests. */
  readonly requests: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

export interface Link {
  readonly port: number;
  readonly counts: LinkCounts;
  stop(): Promise<void>;
}

/** What an answer begins with. No line of a header or of XML does; in the bytes of a body it is as rare as chance has it. */
const ANSWER = Buffer.from('HTTP/1.1 ');

/** Bytes on the way in one direction before the sender is held up: more than any window over such a link. */
const IN_FLIGHT_BYTES_MAX = 64 * 2 ** 20;

/**
 * A TCP proxy on the loopback interface that delivers every byte half a round trip later, in either direction. It has no rate
 * limit, and connections through it open at once: what it adds is distance alone.
 */
export async function startLink(target: URL, roundTripMs: number): Promise<Link> {
  const counts = { requests: 0, upBytes: 0, downBytes: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const port = Number(target.port || 80);
    const far = createConnection({ host: target.hostname, port, allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
      carry(from, to, roundTripMs / 2);
    }
    near.on('data', (bytes: Buffer) => {
      counts.upBytes += bytes.byteLength;
    });
    far.on('data', (bytes: Buffer) => {
      counts.downBytes += bytes.byteLength;
      for (let at = bytes.indexOf(ANSWER); at >= 0; at = bytes.indexOf(ANSWER, at + 1)) counts.requests++;
    });
  });
  await new Promise<void>((resolve, reject) => server.listen(0, '127.0.0.1', resolve).once('error', reject));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the link listens on no port');
  const stop = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  return { port: address.port, counts, stop };
}

/** One timer for the piece in front; what is behind it waits for no timer of its own. */
function carry(from: Socket, to: Socket, delayMs: number): void {
  const queue: InFlight[] = [];
  let queuedBytes = 0;
  let isArmed = false;
  const arm = (): void => {
    const [front] = queue;
    if (isArmed || front === undefined) return;
    isArmed = true;
    setTimeout(deliver, Math.max(0, front.dueMs - performance.now()));
  };
  const deliver = (): void => {
    isArmed = false;
    const now = performance.now();
    // Timers count whole milliseconds: what is due within half of one goes now.
    for (let front = queue[0]; front !== undefined && front.dueMs <= now + 0.5; front = queue[0]) {
      queue.shift();
      if (front.bytes === undefined) to.end();
      else if (!to.destroyed) to.write(front.bytes);
      queuedBytes -= front.bytes?.byteLength ?? 0;
    }
    if (queuedBytes < IN_FLIGHT_BYTES_MAX) from.resume();
    arm();
  };
  const push = (bytes: Buffer | undefined): void => {
    queue.push({ dueMs: performance.now() + delayMs, bytes });
    queuedBytes += bytes?.byteLength ?? 0;
    if (queuedBytes >= IN_FLIGHT_BYTES_MAX) from.pause();
    arm();
  };
  from.on('data', push);
  from.once('end', () => push(undefined));
}
