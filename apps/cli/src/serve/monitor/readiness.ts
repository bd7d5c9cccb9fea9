import type { UriDevice } from '@blockyard/uri';

/** Why a server is not ready to be used. */
export interface NotReady {
  readonly code: 'OPENING' | 'STOPPING' | 'LOST' | 'STORE_AWAY' | 'BASE_FAILING';
  readonly message: string;
  /** Where there are several. */
  readonly export?: string;
}

export type Phase = 'opening' | 'serving' | 'stopping';

/** A volume, as far as it matters here. */
export interface Watched {
  readonly name: string;
  /** Undefined where it is not served. */
  readonly device: Pick<UriDevice, 'lost' | 'storeSnapshot' | 'cacheSnapshot'> | undefined;
  /** Of one that is not served: another process has it. */
  readonly isLost: boolean;
}

/** What is in the way of clients' requests, as far as is known without a request; empty: nothing. */
export function obstacles(phase: Phase, volumes: readonly Watched[]): readonly NotReady[] {
  if (phase === 'opening') return [{ code: 'OPENING', message: 'the device is being opened' }];
  const found = volumes.flatMap((volume) => {
    const { name } = volume;
    return obstaclesOf(volume).map((each) => (volumes.length === 1 ? each : { ...each, export: name }));
  });
  return phase === 'stopping' ? [{ code: 'STOPPING', message: 'the server is stopping' }, ...found] : found;
}

function obstaclesOf({ device, isLost }: Watched): readonly NotReady[] {
  const lost: NotReady = { code: 'LOST', message: 'another process has the device' };
  if (device === undefined) return [isLost ? lost : { code: 'OPENING', message: 'the device is being opened' }];
  const found: NotReady[] = [];
  if (device.lost?.aborted === true) found.push(lost);
  const { isAway = false, awayMs = 0 } = device.storeSnapshot?.().availability ?? {};
  if (isAway) {
    found.push({ code: 'STORE_AWAY', message: `the store has not answered for ${(awayMs / 1000).toFixed(1)} s` });
  }
  if (device.cacheSnapshot?.().writeBackFailure !== undefined && !isAway) {
    found.push({ code: 'BASE_FAILING', message: 'what is written back fails' });
  }
  return found;
}
