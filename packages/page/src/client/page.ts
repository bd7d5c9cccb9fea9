import './page.css';
import { formatBytes } from '../shared/format.js';
import type { FactsMessage } from '../shared/messages.js';
import { pointBetween } from '../shared/rates.js';
import { Charts } from './charts.js';
import { Connection } from './connection.js';
import { chosenDevice, DeviceChoice } from './device-choice.js';
import { byId, setText } from './dom/elements.js';
import { LiveMap } from './map/live-map.js';
import { Panel } from './panel.js';
import { StatusLine } from './status.js';
import { takeToken } from './token.js';

const name = byId('name', HTMLHeadingElement);
const about = byId('device', HTMLParagraphElement);
const state = byId('connection', HTMLParagraphElement);
const choice = new DeviceChoice();
const statusLine = new StatusLine();
const charts = new Charts();
const panel = new Panel(takeToken(), chosenDevice());
let before: FactsMessage | undefined;

const connection = new Connection(
  chosenDevice(),
  { frame: (message) => map.add(message), controls: (message) => panel.show(message), facts: show },
  (isConnected) => setText(state, isConnected ? 'Live' : 'No connection to the server; trying again …'),
);
const map = new LiveMap((wanted) => connection.show(wanted));
map.begin();

function show(facts: FactsMessage): void {
  const { device, counters } = facts;
  setText(name, device?.name ?? 'No device');
  document.title = `${device?.name ?? 'No device'}: Blockyard`;
  setText(about, device === null ? '' : deviceText(device));
  choice.show(facts.names);
  statusLine.show(facts);
  map.follow(device, facts.atMs);
  const point = before === undefined ? undefined : pointBetween(before, facts);
  if (point !== undefined && counters !== null) charts.add(point, counters);
  before = facts;
}

function deviceText({ sectorSize, sizeSectors, readOnly }: NonNullable<FactsMessage['device']>): string {
  return `${formatBytes(sectorSize * sizeSectors)}, sectors of ${formatBytes(sectorSize)}${readOnly ? ', read-only' : ''}`;
}
