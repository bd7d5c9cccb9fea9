import { formatBytes, formatSeconds } from '../shared/format.js';
import type { FactsMessage } from '../shared/messages.js';
import type { ExportStatus, ServerStatus, WorkLeft } from '../status/status.js';
import { byId, make, setText } from './dom/elements.js';

/** What an operator has to know first. */
export class StatusLine {
  readonly #safety = byId('safety', HTMLParagraphElement);
  readonly #facts = byId('facts', HTMLDListElement);
  #rows = '';

  show({ device, status }: FactsMessage): void {
    if (device === null) {
      this.#tell('There is no device at this moment.', 'unknown');
      this.#list([]);
    } else if (status === null) {
      this.#tell('Whether it may be stopped is not known here.', 'unknown');
      this.#list([]);
    } else {
      this.#tell(...safetyOf(status));
      const isShown = ({ name }: ExportStatus) => status.exports.length === 1 || name === device.exportName;
      this.#list(status.exports.filter(isShown).flatMap(rowsOf));
    }
  }

  #tell(text: string, kind: 'safe' | 'unsafe' | 'unknown'): void {
    setText(this.#safety, text);
    this.#safety.dataset.kind = kind;
  }

  #list(rows: readonly (readonly [string, string])[]): void {
    const text = JSON.stringify(rows);
    if (text === this.#rows) return;
    this.#rows = text;
    this.#facts.replaceChildren(
      ...rows.map(([name, value]) => make('div', { class: 'fact' }, make('dt', {}, name), make('dd', {}, value))),
    );
  }
}

function safetyOf({ state, safeToStop, left, exports }: ServerStatus): [string, 'safe' | 'unsafe'] {
  const prefix = state === 'stopping' ? 'Stopping. ' : '';
  if (safeToStop) return [`${prefix}Safe to stop: nothing would be lost.`, 'safe'];
  const isAway = exports.some(({ store }) => store.state === 'away');
  return [`${prefix}Not safe to stop: ${leftText(left, isAway)}.`, 'unsafe'];
}

/** `12.3 MiB in 45 requests left, about 3.2 s`. */
function leftText({ bytes, requests, seconds, basis }: WorkLeft, isAway: boolean): string {
  const work = `${formatBytes(bytes)} in ${requests} ${requests === 1 ? 'request' : 'requests'} left`;
  const about = basis === 'remembered' ? 'about ' : '';
  const time = seconds === null ? 'for a time that is not known yet' : `for ${about}${formatSeconds(seconds)}`;
  return isAway ? `${work}, ${time} once the store is back` : `${work}, ${time}`;
}

function rowsOf(status: ExportStatus): [string, string][] {
  const { store, tier, fencing, oldestUnflushedMs } = status;
  const rows: [string, string][] = [['Store', storeText(store)]];
  if (oldestUnflushedMs !== null) rows.push(['Oldest change not durable', formatSeconds(oldestUnflushedMs / 1000)]);
  if (tier !== null) rows.push(['Tier', tierText(tier)]);
  if (fencing.isFenced) rows.push(['Fenced', fencing.message ?? 'another process has the device']);
  return rows;
}

function storeText({ state, awayMs, nextTryMs, error }: ExportStatus['store']): string {
  if (state === 'up') return 'up';
  const since = awayMs === null ? 'away' : `away for ${formatSeconds(awayMs / 1000)}`;
  const next = nextTryMs === null ? '' : `, next try in ${formatSeconds(Math.max(0, nextTryMs) / 1000)}`;
  return `${since}${next}${error === null ? '' : ` (${error})`}`;
}

function tierText({ undrainedBytes, oldestUndrainedMs, isFailing }: NonNullable<ExportStatus['tier']>): string {
  const age = oldestUndrainedMs === null ? '' : ` for ${formatSeconds(oldestUndrainedMs / 1000)}`;
  const lacking = undrainedBytes === null ? 'there' : `has ${formatBytes(undrainedBytes)} that the store has not${age}`;
  return isFailing ? `${lacking}; its disk fails` : lacking;
}
