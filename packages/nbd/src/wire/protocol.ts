/**
 * The numbers of the NBD protocol, after `doc/proto.md` of the NetworkBlockDevice project and its extension branch
 * `extension-ext-header`. All integers on the wire are unsigned and big-endian.
 */

export const DEFAULT_PORT = 10_809;

/** 64-bit magics, as their two halves: no bigint is needed to compare them. */
export const NBDMAGIC = [0x4e42444d, 0x41474943] as const;
export const IHAVEOPT = [0x49484156, 0x454f5054] as const;
export const OPTION_REPLY_MAGIC = [0x0003e889, 0x045565a9] as const;

export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;
export const EXTENDED_REQUEST_MAGIC = 0x21e41c71;
export const EXTENDED_REPLY_MAGIC = 0x6e8a278c;

/** Sizes of what is fixed in size, in bytes. */
export const GREETING_BYTES = 18;
export const CLIENT_FLAGS_BYTES = 4;
export const OPTION_HEADER_BYTES = 16;
export const OPTION_REPLY_HEADER_BYTES = 20;
export const EXPORT_NAME_PADDING_BYTES = 124;
export const REQUEST_BYTES = 28;
export const EXTENDED_REQUEST_BYTES = 32;
export const SIMPLE_REPLY_BYTES = 16;
export const STRUCTURED_REPLY_BYTES = 20;
export const EXTENDED_REPLY_BYTES = 32;

/** Strings on the wire are at most this long. */
export const STRING_BYTES_MAX = 4096;

export const HandshakeFlag = { FIXED_NEWSTYLE: 1, NO_ZEROES: 2 } as const;

export const Option = {
  EXPORT_NAME: 1,
  ABORT: 2,
  LIST: 3,
  STARTTLS: 5,
  INFO: 6,
  GO: 7,
  STRUCTURED_REPLY: 8,
  LIST_META_CONTEXT: 9,
  SET_META_CONTEXT: 10,
  EXTENDED_HEADERS: 11,
} as const;

export const OptionReply = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  META_CONTEXT: 4,
  ERR_UNSUP: 0x80000001,
  ERR_POLICY: 0x80000002,
  ERR_INVALID: 0x80000003,
  ERR_PLATFORM: 0x80000004,
  ERR_TLS_REQD: 0x80000005,
  ERR_UNKNOWN: 0x80000006,
  ERR_SHUTDOWN: 0x80000007,
  ERR_BLOCK_SIZE_REQD: 0x80000008,
  ERR_TOO_BIG: 0x80000009,
  ERR_EXT_HEADER_REQD: 0x8000000a,
} as const;

/** Every option reply from here on is an error. */
export const OPTION_ERROR_MIN = 0x80000000;

export const Info = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 } as const;

export const TransmissionFlag = {
  HAS_FLAGS: 1 << 0,
  READ_ONLY: 1 << 1,
  SEND_FLUSH: 1 << 2,
  SEND_FUA: 1 << 3,
  ROTATIONAL: 1 << 4,
  SEND_TRIM: 1 << 5,
  SEND_WRITE_ZEROES: 1 << 6,
  SEND_DF: 1 << 7,
  CAN_MULTI_CONN: 1 << 8,
  SEND_RESIZE: 1 << 9,
  SEND_CACHE: 1 << 10,
  SEND_FAST_ZERO: 1 << 11,
} as const;

export const Command = {
  READ: 0,
  WRITE: 1,
  DISC: 2,
  FLUSH: 3,
  TRIM: 4,
  CACHE: 5,
  WRITE_ZEROES: 6,
  BLOCK_STATUS: 7,
} as const;

export const CommandFlag = {
  FUA: 1 << 0,
  NO_HOLE: 1 << 1,
  DF: 1 << 2,
  REQ_ONE: 1 << 3,
  FAST_ZERO: 1 << 4,
  PAYLOAD_LEN: 1 << 5,
} as const;

/** Chunks of a reply. */
export const Chunk = {
  NONE: 0,
  OFFSET_DATA: 1,
  OFFSET_HOLE: 2,
  BLOCK_STATUS: 5,
  BLOCK_STATUS_EXT: 6,
  ERROR: 0x8001,
  ERROR_OFFSET: 0x8002,
} as const;

/** Every chunk type with this bit is an error. */
export const CHUNK_ERROR_BIT = 0x8000;

export const CHUNK_FLAG_DONE = 1;

/** The errors that may go on the wire. */
export const Errno = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

/** The one meta context that the protocol itself defines, and the bits of its status. */
export const BASE_ALLOCATION = 'base:allocation';
export const ALLOCATION_HOLE = 1;
export const ALLOCATION_ZERO = 2;

/** Meta contexts of our own: status bit 0 is set where the data is dirty, or in the cache. */
export const CONTEXT_DIRTY = 'x-blockyard:dirty';
export const CONTEXT_CACHED = 'x-blockyard:cached';
/** Prefix of a name that is only listed: what follows tells one device object from every other. */
export const CONTEXT_INSTANCE = 'x-blockyard:instance:';
/** The same: what follows is the device's sector size in bytes. Block sizes do not tell it, for the server takes any. */
export const CONTEXT_SECTOR_SIZE = 'x-blockyard:sector-size:';

/** A server may be asked for at least this much at once where nothing else was agreed. */
export const PAYLOAD_BYTES_DEFAULT = 32 * 1024 * 1024;
/** The largest length that 32 bits carry. */
export const U32_MAX = 0xffff_ffff;
