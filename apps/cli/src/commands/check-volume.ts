import { type CheckReport, checkUri, formatSize, inspectUri, layoutOfUri } from '@blockyard/uri';
import type { Context } from '../terminal/context.js';
import { messageOf, oneLine } from '../terminal/failure.js';
import { unlessInterrupted } from '../terminal/interruption.js';
import { withProgress } from '../terminal/progress.js';

/** What a check found of the objects of a volume. */
export interface VolumeFindings extends Pick<CheckReport, 'objects' | 'bytes' | 'orphans'> {
  readonly problems: readonly { readonly url: string; readonly code: string; readonly message: string }[];
}

/** Checks every object of a log volume and its snapshots. Undefined for any other device. */
export async function checkVolume(context: Context, uri: string): Promise<VolumeFindings | undefined> {
  const { interruption } = context;
  if ((await unlessInterrupted(interruption, layoutOfUri(uri))) !== 'log') return undefined;
  const totalBytes = await unlessInterrupted(interruption, dataBytesOf(uri));
  const { result } = await withProgress(context, 'check objects', totalBytes, (progress) =>
    unlessInterrupted(interruption, checkUri(uri, { onProgress: ({ bytes }) => progress.update(bytes) })),
  );
  const problems = result.problems.map(({ url, error }) => ({
    url,
    code: error.code,
    message: oneLine(messageOf(error)),
  }));
  return { objects: result.objects, bytes: result.bytes, problems, orphans: result.orphans };
}

/** What there is to read, about. A volume whose directory is damaged does not tell. */
async function dataBytesOf(uri: string): Promise<number> {
  const volume = await inspectUri(uri).catch(() => undefined);
  return volume?.layout === 'log' ? volume.space.dataBytes + volume.space.sharedBytes : 0;
}

export async function printVolume(context: Context, { objects, bytes, problems, orphans }: VolumeFindings) {
  const orphanBytes = orphans.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const left = orphans.length === 0 ? 'none' : `${orphans.length} (${formatSize(orphanBytes)})`;
  await context.print(
    `${objects} ${objects === 1 ? 'object' : 'objects'} checked, ${formatSize(bytes)}, ${problems.length} faulty, orphans: ${left}`,
  );
  for (const { url, code, message } of problems) await context.print(`${url}: ${code}: ${message}`);
}
