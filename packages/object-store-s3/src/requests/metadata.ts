/** One short header of user metadata, which has the stamp. */
const METADATA_NAME = 'blockyard';

export function metadataOf(stamp: string): Record<string, string> {
  return { [METADATA_NAME]: stamp };
}

/** Undefined if the object has none, and so was not stored through this package. */
export function stampOf(metadata: Readonly<Record<string, string>> | undefined): string | undefined {
  return metadata?.[METADATA_NAME];
}
