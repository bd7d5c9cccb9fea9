import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { checkFunction, checkOptionNames, checkTimeMs, type KnownOptions } from '@blockyard/block';
import type { WarmStartEvent, WarmStartOptions } from '@blockyard/warm-start';
import { invalid } from '../syntax/invalid.js';

/** What is remembered of a cache, in files, so that it is warm after a restart. */
export interface UriWarmStartOptions {
  /**
   * The file that lists what the cache held. True: one in the folder of the tier. False: none. Default: in the folder of the tier,
   * if there is one.
   */
  readonly hotRanges?: string | boolean;
  /** When the list is read, in milliseconds after the start: what clients want comes first. Default: 0. */
  readonly startDelayMs?: number;
  /** The file with what a first start reads. Default: none. */
  readonly bootProfile?: string;
  /** Told of what happens to these files; nothing fails for them. Default: no one is told. */
  readonly onEvent?: (event: WarmStartEvent) => void;
}

/** What the caller asked for, checked as far as that can be without the device. */
export interface WarmStartSettings {
  readonly hotRangesPath: string | undefined;
  /** The folder that gets a list of its own for each volume. */
  readonly hotRangesFolder: string | undefined;
  readonly startDelayMs: number;
  readonly bootProfilePath: string | undefined;
  readonly onEvent: (event: WarmStartEvent) => void;
}

const KNOWN: KnownOptions<UriWarmStartOptions> = {
  hotRanges: true,
  startDelayMs: true,
  bootProfile: true,
  onEvent: true,
};

/** Undefined: nothing is remembered. Throws `INVALID_ARGUMENT`. */
export function warmStartSettingsOf(
  options: UriWarmStartOptions | undefined,
  { scheme, hasCache, tierFolder }: { scheme: string; hasCache: boolean; tierFolder: string | undefined },
): WarmStartSettings | undefined {
  if (options === undefined) return undefined;
  checkOptionNames(options, KNOWN, 'warmStart');
  const { hotRanges = tierFolder !== undefined, bootProfile, startDelayMs = 0, onEvent = () => {} } = options;
  checkFunction(onEvent, 'onEvent of warmStart');
  checkTimeMs(startDelayMs, 'startDelayMs of warmStart');
  const isPath = (file: unknown) => typeof file === 'string' && file !== '';
  if ((typeof hotRanges !== 'boolean' && !isPath(hotRanges)) || (bootProfile !== undefined && !isPath(bootProfile))) {
    throw invalid('a file of a warm start must be the path of a file');
  }
  if (hotRanges === true && tierFolder === undefined) {
    throw invalid(
      'a warm start without the name of a file is remembered in the folder of a tier, and there is no tier',
    );
  }
  if (hotRanges === false && bootProfile === undefined) return undefined;
  if (!hasCache) throw invalid('a warm start is that of a cache, and there is none');
  if (scheme === 'memory') throw invalid('memory: ends with its process, so that there is nothing to start with');
  const hotRangesPath = typeof hotRanges === 'string' ? resolve(hotRanges) : undefined;
  const bootProfilePath = bootProfile === undefined ? undefined : resolve(bootProfile);
  if (hotRangesPath !== undefined && hotRangesPath === bootProfilePath)
    throw invalid('the files of a warm start must be two');
  return {
    hotRangesPath,
    hotRangesFolder: hotRanges === true ? tierFolder : undefined,
    startDelayMs,
    bootProfilePath,
    onEvent,
  };
}

/** What the volume's cache is to be told. Makes the folder of the tier where nothing else has. */
export async function warmStartOptionsOf(
  { hotRangesPath, hotRangesFolder, startDelayMs, bootProfilePath, onEvent }: WarmStartSettings,
  volume: string,
): Promise<WarmStartOptions> {
  const path = hotRangesFolder === undefined ? hotRangesPath : await listIn(hotRangesFolder, volume);
  return {
    volume,
    onEvent,
    ...(path === undefined ? {} : { hotRanges: { path, startDelayMs } }),
    ...(bootProfilePath === undefined ? {} : { bootProfile: { path: bootProfilePath } }),
  };
}

/** Volumes use a tier one after the other, and each finds its own. */
async function listIn(folder: string, volume: string): Promise<string> {
  const { makeDirectories } = await import('@blockyard/object-store/directory');
  // If that fails, so does writing the list, and that is told.
  await makeDirectories(folder, 0o700).catch(() => {});
  return join(folder, `hot-ranges-${createHash('sha256').update(volume, 'utf8').digest('hex').slice(0, 16)}`);
}
