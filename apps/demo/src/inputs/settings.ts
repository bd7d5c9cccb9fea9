/** The backends that can be shown, in this order. */
export const BACKENDS = ['memory', 'file', 's3'] as const;
export type Backend = (typeof BACKENDS)[number];

/** A store of the user's own. */
export interface S3Target {
  readonly bucket: string;
  /** Under which the demonstration makes volumes of its own. Can be empty. */
  readonly prefix: string;
  /** URL of the store. Left out: AWS. */
  readonly endpoint: string | undefined;
}

/** What the command line says. */
export interface Settings {
  readonly backends: readonly Backend[];
  /** `maxSizeBytes` of every cache. */
  readonly cacheBytes: number;
  /** Path of the input. Left out: the first part of the running Node binary. */
  readonly inputPath: string | undefined;
  /** Left out: a store that the demonstration starts itself. */
  readonly s3: S3Target | undefined;
  readonly json: boolean;
  /** Where the live page is served in the end. Left out: it is not. */
  readonly page: PageAddress | undefined;
}

export interface PageAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** Sector size of every volume of the demonstration: every backend's cheap one. */
export const SECTOR_SIZE = 4096;
