/** What a connection that was reset within an answer comes out as, whatever ended it: the `cause` tells. */
export function brokenOff(cause: unknown): Error {
  return reset('the answer broke off', cause);
}

/** What ends a connection before there is an answer, as Node's own client tells it. */
export function connectionError(error: unknown): unknown {
  const { code } = error as { readonly code?: unknown };
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return Object.assign(error as Error, { code: 'HPE_HEADER_OVERFLOW' });
  return typeof code === 'string' && CLOSED.has(code) ? reset('the connection ended', error) : error;
}

/** How undici tells that a connection was closed, by whichever side. */
const CLOSED: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'UND_ERR_INFO', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

function reset(what: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return Object.assign(new Error(`${what}: ${why}`, { cause }), { code: 'ECONNRESET' });
}
