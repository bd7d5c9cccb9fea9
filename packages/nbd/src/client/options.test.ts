import assert from 'node:assert/strict';
import { isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { checkServeOptions, type ServeOptions } from '../server/options.js';
import { checkOptions, type NbdOptions } from './options.js';

function refuses(check: () => void, message: string): void {
  assert.throws(check, (error) => isBlockError(error, 'INVALID_ARGUMENT') && error.message.includes(message));
}

const client: readonly [object, string][] = [
  [{ conections: 1 }, 'unknown option "conections" in options; there are: sectorSize, readOnly, connections'],
  [{ sectorSize: '512' }, 'sectorSize must be a non-negative safe integer, not "512"'],
  [{ readOnly: 'yes' }, 'readOnly must be true or false, not "yes"'],
  [{ connections: 17 }, 'connections must be an integer from 1 to 16, not 17'],
  [{ maxConnectionRequests: Number.NaN }, 'maxConnectionRequests must be an integer from 1 to 1024, not NaN'],
  [{ connectTimeoutMs: 0 }, 'connectTimeoutMs must be an integer from 1 to 2147483647, not 0'],
  [{ silenceTimeoutMs: 2 ** 31 }, 'silenceTimeoutMs must be an integer from 0 to 2147483647, not 2147483648'],
  [{ maxOutageMs: Number.POSITIVE_INFINITY }, 'maxOutageMs must be an integer from 0 to 2147483647, not Infinity'],
  [{ assumeSameServer: 1 }, 'assumeSameServer must be true or false, not 1'],
  [{ unsafeNoFlush: null }, 'unsafeNoFlush must be true or false, not null'],
  [{ tls: { cafile: 'x' } }, 'unknown option "cafile" in tls; there are: ca, cert, key, psk, hostname'],
  [{ clock: 5 }, 'clock must be a clock: an object with now, set and clear, not 5'],
  [{ random: 0.5 }, 'random must be a function, not 0.5'],
];

const server: readonly [object, string][] = [
  [{ export: {} }, 'unknown option "export" in options; there are: exports, default, listen'],
  [{ exports: 'disk' }, 'exports must be an object of devices by name'],
  [{ listen: 10809 }, 'listen must be { path }, { host, port } or { fd, path }'],
  [{ ownsDevices: 'no' }, 'ownsDevices must be true or false, not "no"'],
  [{ onEvent: {} }, 'onEvent must be a function, not an object'],
  [{ clock: {} }, 'clock must be a clock'],
];

describe('Of options, each is named that is wrong, with what was given:', () => {
  test.each(client)("the client's %o", (options, message) => {
    refuses(() => checkOptions(options as NbdOptions), message);
  });

  test.each(server)("the server's %o", (options, message) => {
    refuses(() => checkServeOptions({ exports: {}, listen: {}, ...options } as ServeOptions), message);
  });

  test('what is right passes', () => {
    checkOptions({ sectorSize: 4096, readOnly: true, silenceTimeoutMs: 0, random: () => 0 });
    checkServeOptions({ exports: {}, listen: { port: 0 }, ownsDevices: true, onEvent: () => {} });
  });
});
