import type { HttpAddress } from '@blockyard/http-api';
import type { LogArguments } from '../arguments/log.js';
import type { TierArguments } from '../arguments/tier.js';
import type { WarmStartArguments } from '../arguments/warm-start.js';
import type { ListenAddress } from './listen.js';
import type { TlsFiles } from './tls.js';

/** What the command line of a server says. */
export interface ServeOptions extends TlsFiles, TierArguments, LogArguments, WarmStartArguments {
  readonly takeOver?: boolean;
  readonly acceptLoss?: boolean;
  readonly nbd: ListenAddress;
  readonly cache?: number;
  readonly readOnly?: boolean;
  readonly outage: number;
  readonly name: string;
  readonly metrics?: HttpAddress;
  readonly json?: boolean;
  readonly http?: HttpAddress;
  readonly httpTokenFile?: string;
  readonly upgrade?: boolean;
  readonly dryRun?: boolean;
}
