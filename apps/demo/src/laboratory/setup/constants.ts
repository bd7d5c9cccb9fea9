/** The name of the laboratory's volume on the NBD server. */
export const EXPORT_NAME = 'demo';

/** A volume small enough to be read from end to end in a second or two, and larger than the cache. */
export const VOLUME_BYTES = 64 * 2 ** 20;
