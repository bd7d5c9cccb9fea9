import { existsSync, fstatSync, openSync } from 'node:fs';
import { json, type Route } from '@blockyard/http-api';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../testing/cli.js';
import { ControlSocket } from './control.js';
import { askServer } from './http/client.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let path: string;
let made = 0;

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());
beforeEach(() => {
  path = folder.in(`${made++}.control`);
});

const routes = (name: string): Route[] => [{ method: 'GET', path: '/', answer: () => json({ name }) }];
const ask = () => askServer<{ name: string }>({ socketPath: path }, 'GET', '/').then(({ name }) => name);

/** Not once it is closed: its number may be that of another file by then. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}

describe('A control socket', () => {
  test('is removed at the end, but for one that another server has put there', async () => {
    const first = await ControlSocket.begin(path, routes('first'));
    const second = await ControlSocket.begin(path, routes('second'));
    first.end();
    expect(await ask()).toBe('second');
    second.end();
    expect(existsSync(path)).toBe(false);
  });

  test('stays where it is for the process that goes on with it', async () => {
    const first = await ControlSocket.begin(path, routes('first'));
    first.leave();
    first.end();
    expect(existsSync(path)).toBe(true);
  });

  test('is made anew where the name leads to another than the one that was handed over', async () => {
    const handed = openSync('/dev/null', 'r');
    const control = await ControlSocket.succeed(path, routes('anew'), { fd: handed, inode: 1 });
    expect(await ask()).toBe('anew');
    expect(isDevice(handed)).toBe(false);
    control.end();
  });
});
