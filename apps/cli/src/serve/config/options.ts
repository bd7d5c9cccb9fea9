import type { HttpAddress } from '@blockyard/http-api';
import type { ListenAddress } from '../../arguments/listen.js';
import type { LogArguments } from '../../arguments/log.js';
import type { TierArguments } from '../../arguments/tier.js';
import type { WarmStartArguments } from '../../arguments/warm-start.js';
import type { TlsFiles } from './tls.js';

/** What is said of one volume. */
export interface VolumeOptions extends TierArguments, WarmStartArguments {
  readonly takeOver?: boolean;
  readonly acceptLoss?: boolean;
  readonly cache?: number;
  readonly readOnly?: boolean;
  readonly outage: number;
}

/** What is said of a server as a whole. */
export interface ServerOptions extends TlsFiles, LogArguments {
  readonly nbd: ListenAddress;
  readonly metrics?: HttpAddress;
  readonly json?: boolean;
  readonly http?: HttpAddress;
  readonly page?: HttpAddress;
  readonly httpTokenFile?: string;
}

/** One volume that is to be served. */
export interface VolumePlan {
  /** Name of its export. */
  readonly name: string;
  readonly uri: string;
  readonly options: VolumeOptions;
}

/** What is to be served. */
export interface Plan {
  readonly server: ServerOptions;
  /** At least one. */
  readonly volumes: readonly VolumePlan[];
  /** Where it comes from a file, what that says now. Rejects with a `UsageError`. */
  readonly reread?: () => Promise<Plan>;
}
