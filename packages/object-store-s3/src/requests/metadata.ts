/** One short header of user metadata, which has the stamp. */
const METADATA_NAME = 'blockyard';

/** The header, as HTTP has it. */
export const METADATA_HEADER = `x-amz-meta-${METADATA_NAME}`;

export function metadataOf(stamp: string): Record<string, string> {
  return { [METADATA_NAME]: stamp };
}

/** Undefined if the object has none, and so was not stored through this package. */
export function stampOf(metadata: Readonly<Record<string, string>> | undefined): string | undefined {
  return metadata?.[METADATA_NAME];
}
