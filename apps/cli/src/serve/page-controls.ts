import { BlockError } from '@blockyard/block';
import type { Control, Controls, ControlValue } from '@blockyard/page';
import { formatSize, parseSize, snapshotUri } from '@blockyard/uri';
import { type Actions, drain, resize, setCacheSize } from './actions.js';
import type { Volume } from './volumes/volume.js';

/** Lines that are kept of what was done. */
const STORY_LINES_MAX = 50;

/** What can be done on its page with each volume of a server: what its API does, but for ending it. */
export function pageControls(draining: Actions['draining']): (volume: Volume) => Controls {
  const all = new WeakMap<Volume, Controls>();
  return (volume) => {
    const known = all.get(volume) ?? controlsOf(volume, draining);
    all.set(volume, known);
    return known;
  };
}

function controlsOf(volume: Volume, draining: Actions['draining']): Controls {
  const story: string[] = [];
  /** By the control's id; each gives what it did. */
  const acts: Readonly<Record<string, (value: ControlValue | undefined) => Promise<string>>> = {
    flush: async () => {
      await draining([volume], volume.device.flush());
      return 'Flushed.';
    },
    drain: async () => {
      await draining([volume], drain(volume.device));
      return 'Drained: the store has all.';
    },
    snapshot: async (value) => {
      const name = String(value);
      if (!volume.device.info.readOnly) await draining([volume], drain(volume.device));
      await snapshotUri(volume.uri, name);
      return `Took the snapshot ${name}.`;
    },
    resize: async (value) => {
      const { sizeBytes } = await resize(volume.device, sizeOf(value), false);
      return `Resized to ${formatSize(sizeBytes)}.`;
    },
    cache: async (value) => {
      const maxSizeBytes = sizeOf(value);
      await setCacheSize(volume, maxSizeBytes);
      return `The cache may hold ${formatSize(maxSizeBytes)}.`;
    },
  };
  return {
    list: () => listOf(volume),
    async set(id, value) {
      const act = Object.hasOwn(acts, id) ? acts[id] : undefined;
      if (act === undefined) throw new BlockError('INVALID_ARGUMENT', `there is no control ${JSON.stringify(id)}`);
      const line = await act(value);
      story.push(`${new Date().toISOString().slice(11, 19)} ${line}`);
      if (story.length > STORY_LINES_MAX) story.shift();
    },
    story: () => story,
  };
}

function sizeOf(value: ControlValue | undefined): number {
  return parseSize(String(value), 'the size');
}

function listOf({ device }: Volume): Control[] {
  const { info, logSnapshot, tier, cacheSnapshot } = device;
  const { readOnly } = info;
  const sizeBytes = info.sectorSize * info.sizeSectors;
  const isReadOnly = 'it is read-only.';
  const off = (why: string | undefined) => (why === undefined ? { isEnabled: true } : { isEnabled: false, why });
  return [
    {
      id: 'flush',
      group: 'Make durable',
      label: 'Flush',
      help: 'Makes all that was accepted durable.',
      kind: 'action',
      ...off(readOnly ? isReadOnly : undefined),
    },
    {
      id: 'drain',
      group: 'Make durable',
      label: 'Drain',
      help: 'Brings what only the tier has to the store.',
      kind: 'action',
      ...off(tier === undefined ? 'there is no tier.' : undefined),
    },
    {
      id: 'snapshot',
      group: 'Volume',
      label: 'Take snapshot',
      help: 'Keeps the volume as it is now under a name.',
      kind: 'text',
      value: '',
      ...off(logSnapshot === undefined ? 'only log volumes have snapshots.' : undefined),
    },
    {
      id: 'resize',
      group: 'Volume',
      label: 'Grow',
      help: 'Makes it larger, for clients that ask too: 200G.',
      kind: 'text',
      value: formatSize(sizeBytes),
      ...off(readOnly ? isReadOnly : undefined),
    },
    {
      id: 'cache',
      group: 'Cache',
      label: 'Set size',
      help: 'Memory that the cache may hold: 256M.',
      kind: 'text',
      value: cacheSnapshot === undefined ? '' : formatSize(cacheSnapshot().maxSizeBytes),
      ...off(cacheSnapshot === undefined ? 'there is no cache.' : undefined),
    },
  ];
}
