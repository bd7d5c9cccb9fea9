import type { UriDevice } from '@blockyard/uri';

/** Why a server is not ready to be used. */
export interface NotReady {
  readonly code: 'OPENING' | 'STOPPING' | 'LOST' | 'STORE_AWAY' | 'BASE_FAILING';
  readonly message: string;
}

export type Phase = 'opening' | 'serving' | 'stopping';

/** What is in the way of clients' requests, as far as is known without a request; empty: nothing. */
export function obstacles(
  phase: Phase,
  device: Pick<UriDevice, 'lost' | 'storeSnapshot' | 'cacheSnapshot'> | undefined,
): readonly NotReady[] {
  if (phase === 'opening' || device === undefined) return [{ code: 'OPENING', message: 'the device is being opened' }];
  const found: NotReady[] = [];
  if (phase === 'stopping') found.push({ code: 'STOPPING', message: 'the server is stopping' });
  if (device.lost?.aborted === true) found.push({ code: 'LOST', message: 'another process has the device' });
  const { isAway = false, awayMs = 0 } = device.storeSnapshot?.().availability ?? {};
  if (isAway) {
    found.push({ code: 'STORE_AWAY', message: `the store has not answered for ${(awayMs / 1000).toFixed(1)} s` });
  }
  if (device.cacheSnapshot?.().writeBackFailure !== undefined && !isAway) {
    found.push({ code: 'BASE_FAILING', message: 'what is written back fails' });
  }
  return found;
}
