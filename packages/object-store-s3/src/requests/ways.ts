import type { S3Client } from '@aws-sdk/client-s3';
import type { Direct } from '../direct/direct.js';

/** Who carries requests out. */
export interface Ways {
  readonly client: S3Client;
  /** Undefined: every request goes through the client. */
  readonly direct: Direct | undefined;
}
