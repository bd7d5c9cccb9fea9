import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { ByteWriter, viewOf } from '../../wire/bytes.js';
import type { Mode } from '../../wire/mode.js';
import { Command, CommandFlag, EXTENDED_REQUEST_MAGIC, REQUEST_MAGIC } from '../../wire/protocol.js';
import { Request } from './request.js';

const OFFSET = 2 ** 40 + 512;
const COOKIE = 2 ** 52 + 1;

function header(mode: Mode, offset: number, length: number): Uint8Array {
  const extended = mode === 'extended';
  const writer = new ByteWriter().u32(extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC);
  writer.u16(CommandFlag.FUA | (extended ? CommandFlag.PAYLOAD_LEN : 0)).u16(Command.WRITE);
  writer.u64(COOKIE).u64(offset);
  return (extended ? writer.u64(length) : writer.u32(length)).finish();
}

describe('what is left of a request', () => {
  test.each(['simple', 'structured', 'extended'] as const)(
    'is the request itself before anything of it is done: %s',
    (mode) => {
      const bytes = header(mode, OFFSET, 3 * 2 ** 20);
      const request = Request.decode(viewOf(bytes), 0, mode);
      assert.deepEqual(request?.encodeRest(mode), bytes);
    },
  );

  test.each(['simple', 'extended'] as const)(
    'begins behind what has passed in pieces, and has the same end: %s',
    (mode) => {
      const request = Request.decode(viewOf(header(mode, OFFSET, 3 * 2 ** 20)), 0, mode);
      assert.ok(request);
      request.doneBytes = 2 ** 20;
      assert.deepEqual(request.encodeRest(mode), header(mode, OFFSET + 2 ** 20, 2 * 2 ** 20));
    },
  );
});
