import { formatSize, type WarmStartEvent } from '@blockyard/uri';
import { oneLine } from '../terminal/failure.js';

/** What happens to a file of a warm start, in one line. What comes from elsewhere is quoted, so that no control character reaches a terminal. */
export function warmStartLine(event: WarmStartEvent): string {
  const what = `${event.list === 'hot ranges' ? 'warm start' : 'boot profile'} ${JSON.stringify(event.path)}`;
  switch (event.type) {
    case 'begun':
      return `${what}: reading ${formatSize(event.sizeBytes)} in ${event.ranges} ranges, behind all requests`;
    case 'warmed':
      return `${what}: ${OUTCOMES[event.result.outcome]}, ${formatSize(event.result.readBytes)} read`;
    case 'recorded':
      return `${what}: recorded ${formatSize(event.sizeBytes)} in ${event.ranges} ranges`;
    case 'ignored':
      return `${what} is ignored: ${oneLine(event.reason)}; ${event.isKept ? 'it stays as it is, and nothing is remembered' : 'it will be replaced'}`;
    case 'failed':
      return `${what} cannot be written: ${JSON.stringify(`${event.error.code}: ${event.error.message}`)}`;
  }
}

type Outcome = Extract<WarmStartEvent, { type: 'warmed' }>['result']['outcome'];

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  complete: 'done',
  full: 'the cache is full',
  failed: 'a read failed',
  disconnected: 'ended before it was done',
};
