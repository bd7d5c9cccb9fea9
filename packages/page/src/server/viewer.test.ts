import { expect, test } from 'vitest';
import { applyDelta } from '../shared/delta.js';
import type { FrameMessage } from '../shared/messages.js';
import { Viewer } from './viewer.js';

const FRAME = { atMs: 0, startSector: 0, countSectors: 1000, cellSectors: 1, cells: 1000 };
const VIEW = { startSector: 0, countSectors: 1000, maxCells: 1000 };

/** The other end of a connection that takes what is sent when a test says. */
function makeResponse() {
  const response = {
    writableNeedDrain: false,
    written: [] as string[],
    isDestroyed: false,
    write: (text: string) => response.written.push(text) > 0,
    destroy: () => {
      response.isDestroyed = true;
    },
  };
  return response;
}

test('a viewer that is slow gets fewer frames, and the last one has all that it missed', () => {
  const response = makeResponse();
  const viewer = new Viewer(response, VIEW);
  const cells = new Uint8Array(1000);
  const show = (nowMs: number) => {
    if (viewer.isReady(nowMs)) viewer.showCells(FRAME, cells.slice());
  };
  show(0);
  response.writableNeedDrain = true;
  const before = response.written.length;
  for (let at = 0; at < 500; at++) {
    cells[at] = 7;
    show(at);
  }
  expect(response.written).toHaveLength(before);
  response.writableNeedDrain = false;
  show(500);
  expect(response.written).toHaveLength(before + 1);
  const { delta } = JSON.parse(response.written.at(-1)?.split('data: ')[1] ?? '') as FrameMessage;
  const shown = new Uint8Array(1000);
  applyDelta(shown, Buffer.from(delta, 'base64'));
  expect(shown).toEqual(cells);
});

test('one that takes nothing for half a minute is ended', () => {
  const response = makeResponse();
  const viewer = new Viewer(response, VIEW);
  response.writableNeedDrain = true;
  expect([viewer.isReady(0), viewer.isReady(30_000), response.isDestroyed]).toEqual([false, false, false]);
  viewer.isReady(30_001);
  expect(response.isDestroyed).toBe(true);
});

test('what has not changed is not sent again', () => {
  const response = makeResponse();
  const viewer = new Viewer(response, VIEW);
  const message = { controls: [], story: ['one'], takesChanges: true };
  for (const story of [['one'], ['one'], ['two']]) viewer.show('controls', { ...message, story });
  expect(response.written.filter((text) => text.startsWith('event: controls'))).toHaveLength(2);
});
