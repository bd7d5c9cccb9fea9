/** The fields of a root that a reader needs. */
export interface Root {
  readonly format: string;
  readonly version: number;
  readonly layout: string;
  readonly volumeId: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly encryption:
    | (Readonly<Record<'kdf' | 'kdfSalt' | 'wrapNonce' | 'wrappedKey', string>> & { kdfCost: number })
    | null;
  readonly checkpoint: Checkpoint | null;
  readonly epochs: readonly Span[];
  readonly bases: readonly { readonly volumeId: string; readonly prefix: string }[];
  readonly snapshots: readonly Snapshot[];
  readonly check: string;
}

export interface Checkpoint {
  readonly base: number;
  readonly generation: number;
  readonly epoch: number;
  readonly opening: string;
  readonly part: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface Span {
  readonly base: number;
  readonly epoch: number;
  readonly opening: string;
  readonly end: number | null;
}

export interface Snapshot {
  readonly name: string;
  readonly checkpoint: Checkpoint | null;
  readonly epochs: readonly Span[];
  readonly through: number;
  readonly sizeSectors: number;
}
