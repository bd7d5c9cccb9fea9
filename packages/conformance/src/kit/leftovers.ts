import { nodeModule } from './platform.js';

/** Where Linux lists the open files of this process. */
const OPEN_FILES = '/proc/self/fd';
/** Open files that a message names. */
const FILES_NAMED_MAX = 3;

/** What keeps this process busy, by kind: timers, sockets and other handles where Node tells, open files where Linux does. */
export interface Resources {
  readonly counts: ReadonlyMap<string, number>;
  /** What the open files are. */
  readonly files: readonly string[];
}

const FILES = 'open files';

/** Whether there is anything here that tells what is open. */
export function tellsResources(): boolean {
  return globalThis.process?.getActiveResourcesInfo !== undefined || filesModule() !== undefined;
}

export async function activeResources(): Promise<Resources> {
  const files = await openFiles();
  const counts = new Map<string, number>();
  if (files.length > 0) counts.set(FILES, files.length);
  // Not there outside Node.
  for (const kind of globalThis.process?.getActiveResourcesInfo?.() ?? [])
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return { counts, files };
}

/** Describes the kinds that have at least `atLeast` more than before; undefined if there are no such kinds. */
export function describeGrowth(before: Resources, after: Resources, atLeast: number): string | undefined {
  const grown = [...after.counts].flatMap(([kind, count]) => {
    const more = count - (before.counts.get(kind) ?? 0);
    if (more < atLeast) return [];
    const last = after.files.slice(-FILES_NAMED_MAX).join(', ');
    return [`${more} more ${kind}${kind === FILES ? ` (the last ones: ${last})` : ''}`];
  });
  return grown.length === 0 ? undefined : grown.join(', ');
}

async function openFiles(): Promise<string[]> {
  const fs = filesModule();
  if (fs === undefined) return [];
  const { readdir, readlink } = fs;
  let names: string[];
  try {
    names = await readdir(OPEN_FILES);
  } catch {
    return [];
  }
  const links = await Promise.all(names.map((name) => readlink(`${OPEN_FILES}/${name}`).catch(() => undefined)));
  return links.filter((link) => link !== undefined);
}

function filesModule() {
  return nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
}
