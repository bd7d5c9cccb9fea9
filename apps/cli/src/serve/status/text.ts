import type { ExportStatus, ServerStatus, WorkLeft } from '@blockyard/page/status';
import { formatSize } from '@blockyard/uri';
import { oneLine } from '../../terminal/failure.js';
import { plainTable } from '../../terminal/table.js';
import { upgradeTexts } from './upgrade-status.js';
import type { ProcessStatus } from './volumes-watch.js';

/** Of a server of this release, or of one that does not tell what it does not serve. */
type AnyStatus = ServerStatus & Partial<Pick<ProcessStatus, 'unserved' | 'upgrade'>>;

/** A status for people, as lines. */
export function statusText(status: AnyStatus): string {
  const rows: [string, string][] = [
    ['server', `${status.state}, process ${status.process}, since ${status.startedAt}`],
    ['safe to stop', status.safeToStop ? 'yes' : 'no'],
  ];
  for (const each of status.exports) rows.push(...exportRows(each));
  for (const { name, state, message } of status.unserved ?? []) {
    const why = message === null ? '' : `: ${oneLine(message)}`;
    rows.push(['not served', `${JSON.stringify(name)}, ${state}${why}`]);
  }
  if (status.upgrade !== undefined) for (const text of upgradeTexts(status.upgrade)) rows.push(['upgrade', text]);
  const { connections, requestsInFlight } = status.clients;
  rows.push(['clients', `${connections}, ${requestsInFlight} requests in flight`]);
  return plainTable(rows);
}

/** The same in one line. */
export function statusLine(status: AnyStatus): string {
  const away = status.exports.some(({ store }) => store.state === 'away') ? 'store away; ' : '';
  const fenced = status.exports.some(({ fencing }) => fencing.isFenced) ? 'fenced; ' : '';
  const safe = status.safeToStop ? 'safe to stop' : `not safe to stop: ${leftText(status.left, away !== '')}`;
  const names = (status.unserved ?? []).map(({ name, state }) => `${JSON.stringify(name)} ${state}; `).join('');
  const upgrade = status.upgrade?.underWay ? 'upgrade under way; ' : '';
  return `${status.state}; ${upgrade}${fenced}${away}${names}${safe}; ${status.clients.connections} clients`;
}

/** `12.3 MiB in 45 requests, 3.2 s`. */
export function leftText({ bytes, requests, seconds, basis }: WorkLeft, isAway: boolean): string {
  if (requests === 0 && bytes === 0) return 'nothing left';
  const about = basis === 'remembered' ? 'about ' : '';
  const time = seconds === null ? 'time not known yet' : `${about}${formatSeconds(seconds)}`;
  const when = isAway ? `unknown until the store is back, then ${time}` : time;
  return `${formatSize(bytes)} in ${requests} ${requests === 1 ? 'request' : 'requests'}, ${when}`;
}

function exportRows(status: ExportStatus): [string, string][] {
  const { name, device, sizeBytes, readOnly, left, oldestUnflushedMs, store, tier, fencing, holder, cache } = status;
  const mode = readOnly ? ', read-only' : '';
  const rows: [string, string][] = [
    ['export', `${JSON.stringify(name)}: ${oneLine(device)}, ${formatSize(sizeBytes)}${mode}`],
    ['left', leftText(left, store.state === 'away')],
  ];
  if (oldestUnflushedMs !== null) rows.push(['oldest change', `${formatSeconds(oldestUnflushedMs / 1000)} old`]);
  rows.push(['store', storeText(store)]);
  if (tier !== null) rows.push(['tier', tierText(tier)]);
  if (holder !== null) rows.push(['held by', holderText(holder)]);
  if (fencing.isFenced) rows.push(['fenced', oneLine(fencing.message ?? '')]);
  if (cache !== null) rows.push(['cache', cacheText(cache)]);
  return rows;
}

function storeText({ state, awayMs, nextTryMs, error }: ExportStatus['store']): string {
  if (state === 'up') return 'up';
  const since = awayMs === null ? 'away' : `away for ${formatSeconds(awayMs / 1000)}`;
  const next = nextTryMs === null ? '' : `, next try in ${formatSeconds(nextTryMs / 1000)}`;
  return `${since}${next}${error === null ? '' : `: ${oneLine(error)}`}`;
}

function holderText({ host, process, since, state }: NonNullable<ExportStatus['holder']>): string {
  const who = state === 'self' ? 'this server' : `process ${process} on ${oneLine(host)}, then ${state}`;
  return `${who}, since ${oneLine(since)}`;
}

function tierText(tier: NonNullable<ExportStatus['tier']>): string {
  const { directory, undrainedBytes, oldestUndrainedMs, isFailing } = tier;
  const age = oldestUndrainedMs === null ? '' : `, the oldest for ${formatSeconds(oldestUndrainedMs / 1000)}`;
  const lacking = undrainedBytes === null ? '' : `, ${formatSize(undrainedBytes)} not in the store${age}`;
  return `${oneLine(directory)}${lacking}${isFailing ? ', its disk fails' : ''}`;
}

function cacheText({ maxSizeBytes, heldBytes, dirtyBytes, lookups, hits }: NonNullable<ExportStatus['cache']>): string {
  const share = lookups === 0 ? '' : `, ${((100 * hits) / lookups).toFixed(1)} % hits`;
  return `${formatSize(heldBytes)} of ${formatSize(maxSizeBytes)}, ${formatSize(dirtyBytes)} dirty${share}`;
}

/** `0.3 s`, `42 s`, `3 min 20 s`, `2 h 5 min`. */
function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
