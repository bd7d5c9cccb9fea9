const CONNECT_TIMEOUT_MS_MAX = 10_000;

/** How long it may take until there is a connection. */
export function connectTimeoutMs(requestTimeoutMs: number): number {
  return Math.min(requestTimeoutMs, CONNECT_TIMEOUT_MS_MAX);
}

/** Nothing was sent: there was no connection in time. */
export function noConnection(limitMs: number): Error {
  const message = `no connection within ${limitMs} ms`;
  return Object.assign(new Error(message), { code: 'ETIMEDOUT', syscall: 'connect' });
}
